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
	repository := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":           "module small\n\ngo 1.26\n",
		"pkg/pkg.go":       "package pkg\n\nfunc Double(n int) int { return 2 * n }\n\nfunc Half(n int) int { return n / 2 }\n",
		"pkg/pkg_test.go":  "package pkg\n\nimport \"testing\"\n\nfunc TestDouble(t *testing.T) {\n\tif got := Double(2); got != 4 {\n\t\tt.Errorf(\"%d\", got)\n\t}\n}\n\nfunc TestRed(t *testing.T) { t.Error(\"always\") }\n",
		"pkg/notes/doc.md": "nothing\n",
	} {
		path := filepath.Join(repository, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
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
