package tidy

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what the fixtures are expected to give; read the difference before committing it")

// The repository itself keeps every rule.
func TestRepository(t *testing.T) {
	tree, err := Load(filepath.Join("..", ".."), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.GoFiles()) < 10 {
		t.Fatalf("only %d Go files were found; the checks would look at nothing", len(tree.GoFiles()))
	}
	needed := make([]bool, len(allowances))
	for _, check := range Checks {
		t.Run(check.Name, func(t *testing.T) {
			findings, err := check.Run(tree)
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range findings {
				if i := slices.IndexFunc(allowances, func(a allowance) bool { return a.covers(check.Name, finding) }); i >= 0 {
					needed[i] = true
					continue
				}
				t.Error(finding)
			}
			for i, a := range allowances {
				if a.check == check.Name && !needed[i] {
					t.Errorf("the allowance for %s (%s) is no longer needed; take it out", a.path, a.text)
				}
			}
		})
	}
}

// A check that cannot fail proves nothing: each has a small tree that breaks its rule.
func TestEachCheckCanFail(t *testing.T) {
	for _, check := range Checks {
		t.Run(check.Name, func(t *testing.T) {
			folder := filepath.Join("testdata", check.Name)
			tree, err := Load(folder, ".txt")
			if err != nil {
				t.Fatal(err)
			}
			findings, err := check.Run(tree)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, finding := range findings {
				got.WriteString(finding.String() + "\n")
			}
			wantFile := filepath.Join(folder, "want")
			if *update {
				if err := os.WriteFile(wantFile, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(wantFile)
			if err != nil {
				t.Fatal(err)
			}
			if len(findings) == 0 || got.String() != string(want) {
				t.Errorf("findings:\n%s\nwanted:\n%s", got.String(), want)
			}
		})
	}
}

// The arrows are about direct imports; this is about everything that ends up in a program that links the client.
func TestClientLinksNoServer(t *testing.T) {
	output, err := exec.Command("go", "list", "-deps", modulePath+"/client").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for imported := range strings.Lines(string(output)) {
		imported = strings.TrimSpace(imported)
		for _, heavy := range []string{"raft", "bolt", "memberlist", "prometheus", "btree", modulePath + "/fsm"} {
			if strings.Contains(imported, heavy) {
				t.Errorf("the client links %s; programs that only take locks must not carry a server", imported)
			}
		}
	}
}

func TestHostsOfSettings(t *testing.T) {
	got := hosts("https://user:word@modules.example.org/path,direct\nsum.example.com+abc off\nlocalhost")
	want := []string{"modules.example.org", "sum.example.com"}
	if !slices.Equal(got, want) {
		t.Errorf("hosts = %v, want %v", got, want)
	}
}

func (a allowance) covers(check string, finding Finding) bool {
	return a.check == check && a.path == finding.Path && strings.HasPrefix(finding.Text, a.text)
}
