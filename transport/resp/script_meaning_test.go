package resp

import (
	"context"
	"crypto/sha1"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
	"github.com/coordd/coordd/transport/transporttest"
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

// takesLock is how a library takes a lock, in its own words: a free name, or one with a value that begins as its own does.
const takesLock = `
if redis.call("set", KEYS[1], ARGV[1], "NX", "PX", ARGV[3]) then return redis.status_reply("OK") end
local offset = tonumber(ARGV[2])
if redis.call("getrange", KEYS[1], 0, offset-1) == string.sub(ARGV[1], 1, offset) then return redis.call("set", KEYS[1], ARGV[1], "PX", ARGV[3]) end`

func TestScriptsThatTakeAFreeNameAreRecognised(t *testing.T) {
	job, values := [][]byte{[]byte("job")}, [][]byte{[]byte("me:1"), []byte("2"), []byte("1000")}
	want := command.Set{Name: command.Name{Database: 3, Key: "job"}, Value: []byte("me:1"), Condition: command.IfAbsent,
		Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 1000}}
	hoped := compiledFor(t, takesLock).hope(3, job, values)
	if hoped == nil || !reflect.DeepEqual(hoped.set, command.Op(want)) {
		t.Fatalf("the script is hoped to be %+v", hoped)
	}
	const set = `if redis.call("set", KEYS[1], ARGV[1], "NX", "PX", ARGV[3]) then return redis.status_reply("OK") end`
	for _, source := range []string{
		strings.Replace(set, `"NX"`, `"XX"`, 1), strings.Replace(set, `"NX"`, `"NX", "GET"`, 1), strings.Replace(set, `"NX", `, "", 1),
		strings.Replace(set, `"OK"`, `"YES"`, 1), strings.Replace(set, "ARGV[3]", "ARGV[9]", 1), strings.Replace(set, "ARGV[3]", "ARGV[1]", 1),
		strings.Replace(set, "redis.call", "redis.pcall", 1), strings.Replace(set, "return", "redis.call('del', 'x') return", 1),
		strings.Replace(set, "if", "redis.call('del', 'x') if", 1), strings.Replace(set, "if redis", "if not redis", 1), strings.Replace(set, `"set"`, `"getset"`, 1),
		"#!lua flags=no-writes\n" + set,
	} {
		if hoped := compiledFor(t, source).hope(3, job, values); hoped != nil {
			t.Errorf("%s\nis taken for %+v", source, hoped.set)
		}
	}
	if hoped := compiledFor(t, set).hope(0, [][]byte{[]byte("coordd:x")}, values); hoped != nil {
		t.Error("a reserved name is hoped for")
	}
}

// A script that takes a lock answers as it would as a script, whatever stands under the name, and goes as one SET when the name is free.
func TestTakingAFreeNameByScriptIsOneSet(t *testing.T) {
	node := transporttest.NewFrozenNode()
	var carried []string
	node.Intercept = func(_ context.Context, ops []command.Op) error {
		for _, op := range ops {
			carried = append(carried, strings.TrimPrefix(fmt.Sprintf("%T", op), "command."))
		}
		return nil
	}
	client := openDoorOver(t, node, nil).dial()
	take := func(value, want, way string) {
		t.Helper()
		carried = nil
		if got := show(client.doArguments("EVAL", takesLock, "1", "job", value, "2", "1000")); got != want {
			t.Errorf("%s: got %s, want %s", value, got, want)
		}
		if got := strings.Join(carried, " "); got != way {
			t.Errorf("%s: carried out as %q, want %q", value, got, way)
		}
	}
	free := func() { client.doArguments("DEL", "job") }
	take("me:1", "+OK", "ScriptLoad Script") // the cluster learns the text in the same batch
	free()
	take("me:2", "+OK", "Set")
	client.want("GET job", `"me:2"`)
	take("me:3", "+OK", "Set Script") // its own lock: refreshed
	client.want("GET job", `"me:3"`)
	take("you:1", "nil", "Script")
	free()
	for range disappointment - 1 { // one was taken off by nobody yet, and a refreshed lock counts as free
		take("me:4", "+OK", "Script")
		free()
	}
	hopeful := 0
	for ; hopeful < mostDisappointment; hopeful++ {
		carried = nil
		client.doArguments("EVAL", takesLock, "1", "job", "me:5", "2", "1000")
		way := strings.Join(carried, " ")
		free()
		if way == "Set" {
			break
		}
	}
	if hopeful == mostDisappointment {
		t.Error("a script that finds its name free again and again is not hoped for any more")
	}
}

// Commands that came together keep their order: a script that is not alone is carried out where it stands.
func TestAScriptInAPipelineIsNotTriedBefore(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("SET job you", "+OK")
	client.doArguments("EVAL", takesLock, "1", "other", "me", "2", "1000") // the text is known from here on
	eval := wire.AppendRequest(nil, "EVAL", takesLock, "1", "job", "me", "2", "1000")
	all := append(append(wire.AppendRequest(nil, "GET", "job"), eval...), wire.AppendRequest(nil, "DEL", "job")...)
	all = append(append(all, eval...), wire.AppendRequest(nil, "GET", "job")...)
	client.send(string(all))
	for _, want := range []string{`"you"`, "nil", ":1", "+OK", `"me"`} {
		if got := show(client.next()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
