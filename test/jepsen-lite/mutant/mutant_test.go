package mutant

import (
	"flag"
	"os/exec"
	"path/filepath"
	"testing"
)

// packages are those that a mutant changes.
func (m Mutant) packages() []string {
	var packages []string
	for _, edit := range m.Edits {
		packages = append(packages, "./"+filepath.Dir(edit.File))
	}
	return packages
}

const repository = "../../.."

// build asks for what takes minutes: go test ./test/jepsen-lite/mutant -build
var build = flag.Bool("build", false, "build coordd with each planted bug")

func TestEveryMutantStillFits(t *testing.T) {
	names := map[string]bool{}
	for _, one := range All() {
		if names[one.Name] || one.About == "" {
			t.Errorf("the name %s is taken, or it says nothing", one.Name)
		}
		names[one.Name] = true
		if _, err := one.Changed(repository); err != nil {
			t.Error(err)
		}
		if err := one.Plan(1).Validate(); err != nil {
			t.Errorf("%s: %v", one.Name, err)
		}
	}
}

func TestEveryMutantBuilds(t *testing.T) {
	if !*build {
		t.Skip("runs the compiler for each of them")
	}
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range All() {
		overlay, err := one.Overlay(root, t.TempDir())
		if err != nil {
			t.Error(err)
			continue
		}
		compile := exec.Command("go", append([]string{"build", "-overlay", overlay}, one.packages()...)...)
		compile.Dir = root
		if output, err := compile.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", one.Name, err, output)
		}
	}
}
