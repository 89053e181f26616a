package guard_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/transport/resp/wire"
)

func TestParseTakesWhatATokenIsAndNothingElse(t *testing.T) {
	good := map[string]uint64{"1": 1, "34": 34, "9223372036854775807": math.MaxInt64, "007": 7}
	for text, want := range good {
		fence, err := guard.Parse("job", text)
		if err != nil || fence.Token() != want || fence.Lock() != "job" {
			t.Errorf("%q: got %v, %v", text, fence, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "9223372036854775808", "18446744073709551616", "٣", strings.Repeat("1", 5000)} {
		if fence, err := guard.Parse("job", text); !errors.Is(err, guard.ErrInvalid) || fence != (guard.Fence{}) {
			t.Errorf("%.30q: got %v, %v", text, fence, err)
		} else if len(err.Error()) > 200 {
			t.Errorf("%.30q: the error is %d bytes long", text, len(err.Error()))
		}
	}
}

func TestNamesAreTextWithinALimit(t *testing.T) {
	for _, name := range []string{"j", "nightly report", "作業", strings.Repeat("x", guard.MaxLockBytes-1), strings.Repeat("x", guard.MaxLockBytes)} {
		if _, err := guard.New(name, 1); err != nil {
			t.Errorf("%.20q: %v", name, err)
		}
	}
	for _, name := range []string{"", strings.Repeat("x", guard.MaxLockBytes+1), "a\x00b", "\xff\xfe"} {
		if _, err := guard.New(name, 1); !errors.Is(err, guard.ErrInvalid) {
			t.Errorf("%.20q: got %v", name, err)
		}
	}
	if err := (guard.Fence{}).Validate(); !errors.Is(err, guard.ErrInvalid) {
		t.Errorf("the zero fence: %v", err)
	}
}

// answers stands for a cluster.
type answers struct {
	value wire.Value
	err   error
	asked []string
}

func (a *answers) Do(_ context.Context, arguments ...string) (wire.Value, error) {
	a.asked = arguments
	return a.value, a.err
}

func TestClusterTellsWhetherATokenIsCurrent(t *testing.T) {
	fence, err := guard.New("job", 33)
	if err != nil {
		t.Fatal(err)
	}
	unreachable := errors.New("unreachable")
	for name, c := range map[string]struct {
		cluster answers
		newest  uint64
		stale   bool
		fault   bool
	}{
		"current":         {cluster: answers{value: wire.Value{Type: wire.Integer, Integer: 33}}},
		"passed on":       {cluster: answers{value: wire.Value{Type: wire.Integer, Integer: 34}}, stale: true, newest: 34},
		"never granted":   {cluster: answers{value: wire.Value{Type: wire.Integer, Integer: 32}}, stale: true, newest: 32},
		"free":            {cluster: answers{value: wire.Value{Type: wire.Nil}}, stale: true},
		"no answer":       {cluster: answers{err: unreachable}, fault: true},
		"something else":  {cluster: answers{value: wire.Value{Type: wire.Status, Text: []byte("OK")}}, fault: true},
		"a token of zero": {cluster: answers{value: wire.Value{Type: wire.Integer}}, fault: true},
	} {
		err := guard.Cluster(&c.cluster)(t.Context(), fence)
		var stale *guard.StaleError
		switch {
		case c.stale && (!errors.As(err, &stale) || stale.Newest != c.newest || !errors.Is(err, guard.ErrStale)):
			t.Errorf("%s: got %v, want stale with %d", name, err, c.newest)
		case c.fault && (err == nil || errors.Is(err, guard.ErrStale)):
			t.Errorf("%s: got %v, want an error that refuses nobody for good", name, err)
		case !c.stale && !c.fault && err != nil:
			t.Errorf("%s: %v", name, err)
		}
		if strings.Join(c.cluster.asked, " ") != "FENCE job" {
			t.Errorf("%s: asked %q", name, c.cluster.asked)
		}
	}
}

// Permits 5 and 9 of a semaphore are held at the same time. Asking finds both held, in whatever order they come, where a mark of the newest token would refuse 5 after 9.
func TestS19_APermitIsAskedForAndNeverMarked(t *testing.T) {
	held := map[uint64]bool{5: true, 9: true}
	ask := func(_ context.Context, semaphore string, token uint64) (bool, error) {
		return semaphore == "pool" && held[token], nil
	}
	for _, token := range []uint64{9, 5, 9} {
		permit, err := guard.NewPermit("pool", token)
		if err != nil {
			t.Fatal(err)
		}
		if err := permit.Check(t.Context(), ask); err != nil {
			t.Errorf("permit %d is held: %v", token, err)
		}
	}
	gone, err := guard.NewPermit("pool", 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Check(t.Context(), ask); !errors.Is(err, guard.ErrStale) {
		t.Errorf("permit 4 is not held: %v", err)
	}
	unreachable := errors.New("unreachable")
	err = gone.Check(t.Context(), func(context.Context, string, uint64) (bool, error) { return true, unreachable })
	if !errors.Is(err, unreachable) || errors.Is(err, guard.ErrStale) {
		t.Errorf("without an answer: %v", err)
	}
}

// No function of any guard takes a permit, and a permit gives no fence away, so a mark cannot be kept for one by mistake.
func TestS19_NoGuardTakesAPermit(t *testing.T) {
	functions := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			functions++
			if names(function.Type.Params, "Permit") {
				t.Errorf("%s: %s takes a Permit", path, function.Name.Name)
			}
			if names(function.Recv, "Permit") && names(function.Type.Results, "Fence") {
				t.Errorf("%s: Permit.%s gives a Fence away", path, function.Name.Name)
			}
		}
		return nil
	})
	if err != nil || functions < 20 {
		t.Errorf("looked at %d functions: %v", functions, err)
	}
}

// names reports whether a type's name occurs in a list of parameters or results.
func names(list *ast.FieldList, name string) (found bool) {
	if list == nil {
		return false
	}
	ast.Inspect(list, func(node ast.Node) bool {
		identifier, ok := node.(*ast.Ident)
		found = found || ok && identifier.Name == name
		return true
	})
	return found
}
