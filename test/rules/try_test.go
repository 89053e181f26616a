package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/internal/plant"
	"github.com/coordd/coordd/test/rules/rule"
)

// A rule is taken out of a small module: one that a test guards, one that none does, one whose text has moved and one whose absence does not compile.
func TestTry(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the compiler")
	}
	repository := smallModule(t, map[string]string{
		"go.mod":           "module small\n\ngo 1.26\n",
		"pkg/pkg.go":       "package pkg\n\nfunc Double(n int) int { return 2 * n }\n\nfunc Half(n int) int { return n / 2 }\n",
		"pkg/pkg_test.go":  "package pkg\n\nimport \"testing\"\n\nfunc TestDouble(t *testing.T) {\n\tif got := Double(2); got != 4 {\n\t\tt.Errorf(\"%d\", got)\n\t}\n}\n\nfunc TestRed(t *testing.T) { t.Error(\"always\") }\n",
		"pkg/notes/doc.md": "nothing\n",
	})
	b := &bench{repository: repository, folder: t.TempDir(), patience: time.Minute}
	wrong := b.control(t.Context(), "pkg", []string{"TestDouble", "TestRed", "TestNone"})
	if len(wrong) != 2 || !strings.Contains(wrong["TestRed"], "without any change it is red") || wrong["TestNone"] == "" {
		t.Errorf("as the sources are: %v", wrong)
	}
	for _, c := range []struct {
		old, new string
		end      rule.End
	}{
		{"return 2 * n", "return 3 * n", rule.Red}, {"return n / 2", "return n / 3", rule.Green}, {"return 4 * n", "return n", rule.Unfit}, {"return 2 * n", "return missing", rule.Unbuilt},
	} {
		one := rule.Rule{Package: "pkg", Test: "TestDouble", Edits: []plant.Edit{{File: "pkg/pkg.go", Old: c.old, New: c.new}}}
		if end, said := b.try(t.Context(), one); end != c.end {
			t.Errorf("%q for %q is %s: %s", c.new, c.old, end, said)
		}
	}
}

// A test that dies, or is killed, does not remove what it has made.
func TestWhatATestLeavesIsRemoved(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the compiler")
	}
	repository := smallModule(t, map[string]string{
		"go.mod":          "module small\n\ngo 1.26\n",
		"pkg/pkg.go":      "package pkg\n\nvar Broken = false\n",
		"pkg/pkg_test.go": "package pkg\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestDies(t *testing.T) {\n\tif err := os.WriteFile(t.TempDir()+\"/file\", nil, 0o600); err != nil || Broken {\n\t\tos.Exit(1)\n\t}\n}\n",
	})
	b := &bench{repository: repository, folder: t.TempDir(), patience: time.Minute}
	usual := t.TempDir()
	t.Setenv("TMPDIR", usual)
	if wrong := b.control(t.Context(), "pkg", []string{"TestDies"}); len(wrong) > 0 {
		t.Errorf("as the sources are: %v", wrong)
	}
	dies := rule.Rule{Package: "pkg", Test: "TestDies", Edits: []plant.Edit{{File: "pkg/pkg.go", Old: "= false", New: "= true"}}}
	if end, said := b.try(t.Context(), dies); end != rule.Unrun {
		t.Errorf("a test that ends its process is %s: %s", end, said)
	}
	for _, folder := range []string{usual, b.folder} {
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v (%v)", folder, left, err)
		}
	}
}

// smallModule writes the files of a module.
func smallModule(t *testing.T, files map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
