package rule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coordd/coordd/internal/plant"
)

const repository = "../../.."

// Whoever changes a line that a rule of the table rests on is told so here, long before the rules are tried.
func TestEveryRuleIsWhereTheTableSays(t *testing.T) {
	for _, one := range All() {
		changed, err := plant.Changed(repository, one.Edits)
		if err != nil {
			t.Errorf("%s: the rule has moved: %v", one.ID(), err)
			continue
		}
		for name, text := range changed {
			if _, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: without it the file is no Go: %v", one.ID(), err)
			}
		}
	}
}

func TestEveryRuleHasItsTest(t *testing.T) {
	tests := map[string]map[string]bool{}
	for _, one := range All() {
		if tests[one.Package] == nil {
			tests[one.Package] = testsIn(t, one.Package)
		}
		if !tests[one.Package][one.Test] {
			t.Errorf("%s: there is no %s in %s", one.ID(), one.Test, one.Package)
		}
	}
}

// testsIn lists the tests of a package.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", folder, err)
	}
	tests := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil {
				tests[function.Name.Name] = true
			}
		}
	}
	return tests
}

var caseName = regexp.MustCompile(`^([SI])([1-9]\d?)$`)

// Every safety case has a test that carries its number. An invariant may be one of several that one test checks.
func TestEveryCaseHasATestOfItsNumber(t *testing.T) {
	seen, numbered, safety := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, one := range All() {
		parts := caseName.FindStringSubmatch(one.Case)
		switch {
		case parts == nil || one.Name == "" || seen[one.ID()]:
			t.Errorf("%q is no name, or it is taken", one.ID())
			continue
		case !strings.HasSuffix(one.Says, ".") || len(one.Edits) == 0:
			t.Errorf("%s says %q and changes %d texts", one.ID(), one.Says, len(one.Edits))
		case one.Wants() != Red && (one.Because == "" || one.Wants() != Hangs && one.Wants() != Panics):
			t.Errorf("%s is to be %s, because %q", one.ID(), one.Wants(), one.Because)
		}
		for _, edit := range one.Edits {
			if edit.Old == edit.New {
				t.Errorf("%s replaces a text by itself", one.ID())
			}
		}
		seen[one.ID()] = true
		if parts[1] == "S" {
			safety[one.Case] = true
			numbered[one.Case] = numbered[one.Case] || regexp.MustCompile(`^Test(S\d+_)*S0*`+parts[2]+`_`).MatchString(one.Test)
		}
	}
	for of := range safety {
		if !numbered[of] {
			t.Errorf("no test of %s carries its number", of)
		}
	}
}
