package resp

import (
	"crypto/sha1"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// givesBack are ways in which libraries and articles write compare-and-delete.
var givesBack = []string{
	compareAndDelete,
	"if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
	"\nif ARGV[1] == redis.call(\"get\",KEYS[1])\nthen\n  return redis.call(\"unlink\",KEYS[1])\nelse\n  return 0\nend\n",
}

// otherwise are scripts that look like it and mean something else.
var otherwise = []string{
	"if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 1 end",
	"if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end",
	"if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[2]) else return 0 end",
	"if redis.call('get', KEYS[1]) == ARGV[2] then return redis.call('del', KEYS[1]) else return 0 end",
	"if redis.call('get', KEYS[1]) ~= ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end",
	"if redis.call('get', ARGV[1]) == KEYS[1] then return redis.call('del', KEYS[1]) else return 0 end",
	"if redis.call('strlen', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end",
	"if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) return 1 else return 0 end",
	"if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end return 1",
	"if redis.pcall('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end",
	"if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1], KEYS[2]) else return 0 end",
	"if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end",
	"redis.call('set', 'a', 'b') return 0",
	"return 0",
}

func compiledFor(t *testing.T, source string) *compiledScript {
	t.Helper()
	compiled, refusal, ok := compileScript([]byte(source), sha1.Sum([]byte(source)))
	if !ok {
		t.Fatalf("%s: %s", source, refusal.Text)
	}
	return compiled
}

func TestCompareAndDeleteIsRecognised(t *testing.T) {
	for _, source := range givesBack {
		if !compiledFor(t, source).deletesIfEqual {
			t.Errorf("not recognised: %s", source)
		}
	}
	for _, source := range otherwise {
		if compiledFor(t, source).deletesIfEqual {
			t.Errorf("taken for compare-and-delete: %s", source)
		}
	}
}

// A recognised script runs as a program where the typed command could answer otherwise: too long a key is an error of the script, with its place.
func TestScriptsThatCouldFailStayScripts(t *testing.T) {
	compiled := compiledFor(t, compareAndDelete)
	long := []byte(strings.Repeat("k", command.MaxNameBytes+1))
	for _, c := range []struct {
		keys, arguments [][]byte
		typed           bool
	}{
		{[][]byte{[]byte("k")}, [][]byte{[]byte("v")}, true},
		{[][]byte{[]byte("k"), long}, [][]byte{[]byte("v"), []byte("unused")}, true},
		{nil, [][]byte{[]byte("v")}, false},
		{[][]byte{[]byte("k")}, nil, false},
		{[][]byte{long}, [][]byte{[]byte("v")}, false},
		{[][]byte{[]byte("coordd:fence:k")}, [][]byte{[]byte("1")}, false},
		{[][]byte{[]byte("k")}, [][]byte{make([]byte, command.MaxValueBytes+1)}, false},
	} {
		if _, typed := compiled.typed(0, c.keys, c.arguments); typed != c.typed {
			t.Errorf("%.20q %.20q: typed is %v", c.keys, c.arguments, typed)
		}
	}
	if _, typed := compiledFor(t, "#!lua flags=no-writes\n"+compareAndDelete).typed(0, [][]byte{[]byte("k")}, [][]byte{[]byte("v")}); typed {
		t.Error("a script that says it does not write may not delete")
	}
}

// The typed command answers and does what the script does, whatever stands under the name.
func TestCompareAndDeleteMeansItsScript(t *testing.T) {
	px := func(milliseconds int64) command.Expiry {
		return command.Expiry{Mode: command.ExpiryRelative, Milliseconds: milliseconds}
	}
	job := command.Name{Key: "job"}
	states := map[string][]command.Op{
		"nothing":              nil,
		"the value":            {command.Set{Name: job, Value: []byte("me"), Expiry: px(10_000)}},
		"the value, for ever":  {command.Set{Name: job, Value: []byte("me")}},
		"another value":        {command.Set{Name: job, Value: []byte("you"), Expiry: px(10_000)}},
		"the value, expired":   {command.Set{Name: job, Value: []byte("me"), Expiry: px(5)}},
		"a native lock":        {command.LockAcquire{Name: "job", TTLMilliseconds: 10_000}},
		"a native lock, ended": {command.LockAcquire{Name: "job", TTLMilliseconds: 1000}, command.LockRelease{Name: "job", Token: 2}},
		"a value and a waiter": {command.Set{Name: job, Value: []byte("me")}, command.LockAcquire{Name: "job", TTLMilliseconds: 10_000, WaitMilliseconds: 9000}},
	}
	for what, before := range states {
		for _, operand := range []string{"me", "you", "", "coordd:held:2-0"} {
			for _, source := range givesBack {
				compiled := compiledFor(t, source)
				keys, arguments := [][]byte{[]byte("job")}, [][]byte{[]byte(operand)}
				typed, _ := compiled.typed(0, keys, arguments)
				asScript := outcomeOf(t, before, command.Script{Program: compiled.program, Keys: keys, Arguments: arguments})
				if asTyped := outcomeOf(t, before, typed); !reflect.DeepEqual(asScript, asTyped) {
					t.Errorf("%s, %q: the script gives\n%s\nand the typed command\n%s", what, operand, asScript, asTyped)
				}
			}
		}
	}
}

// outcomeOf is everything that can be seen of an op after others: its reply, the events, and the hash of the state.
func outcomeOf(t *testing.T, before []command.Op, op command.Op) string {
	t.Helper()
	m := fsm.New()
	var last fsm.Applied
	for i, op := range append([]command.Op{command.SessionOpen{TTLMilliseconds: 60_000, Node: true}}, append(before, op)...) {
		c := command.Command{Op: op}
		if i > 0 {
			c.Request = command.Request{Session: command.SessionID{Index: 1}, Number: uint64(i)}
		}
		data := command.AppendEntry(nil, command.Entry{Term: 1, Now: command.Instant(1000 + 10*i), Commands: []command.Command{c}})
		last = m.Apply(uint64(i+1), 1, data)
	}
	_, hash := m.Hash()
	return fmt.Sprintf("%+v %+v %x", last.Replies, last.Events, hash)
}
