package fsm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
	"github.com/coordd/coordd/fsm/script"
)

// nativeStates are the ways in which a name can be native, each made by entries of a log: k is held, reserved or about to be handed over.
var nativeStates = map[string]func(l *testLog, by command.Credentials){
	"exclusive": func(l *testLog, by command.Credentials) { l.must(hold(by, "k")) },
	"shared":    func(l *testLog, by command.Credentials) { l.must(shared(by, "k", "r1"), shared(by, "k", "r2")) },
	"semaphore": func(l *testLog, by command.Credentials) { l.must(permits(by, "k", 1, 3)) },
	"multi":     func(l *testLog, by command.Credentials) { l.must(hold(by, "j", "k")) },
	"without a session": func(l *testLog, _ command.Credentials) {
		l.must(command.HoldAcquire{Names: []string{"k"}, TTLMilliseconds: 40_000})
	},
	"first kinds": func(l *testLog, by command.Credentials) {
		l.must(command.LockAcquire{Name: "k", Session: by.Session, SecretHash: by.Secret})
	},
	"kept for a set": func(l *testLog, by command.Credentials) {
		l.must(hold(by, "j"), waiting(by, 9000, "j", "k"))
	},
	"lock-delay": func(l *testLog, by command.Credentials) {
		l.must(command.HoldAcquire{Names: []string{"k"}, TTLMilliseconds: 100, Delay: 30_000})
		l.now += 100
		l.must(command.Expire{})
	},
	"floor": func(l *testLog, by command.Credentials) {
		op := hold(by, "k")
		op.AtLeast = 30_000
		l.must(op)
		l.must(command.HoldRelease{Name: "k", Hold: command.HoldRef{Token: command.Token(l.index)}, By: by})
	},
	"unacknowledged": func(l *testLog, by command.Credentials) {
		l.must(hold(by, "k"))
		l.must(command.ForceUnlock{Name: "k", Reason: "test"})
	},
	"pending": func(l *testLog, by command.Credentials) {
		// Two hand-overs in one entry: the second waits for the next entry, in which the test's command stands.
		l.must(hold(by, "k"), waiting(by, 9000, "k"), waiting(by, 9000, "k"))
		first, second := command.WaiterID{Index: l.index}, command.WaiterID{Index: l.index, Offset: 1}
		l.must(command.HoldRelease{Name: "k", Hold: command.HoldRef{Waiter: first}, By: by}, command.HoldCancel{Name: "k", Waiter: second, By: by})
	},
}

func hold(by command.Credentials, names ...string) command.HoldAcquire {
	return command.HoldAcquire{Names: names, By: by}
}

func waiting(by command.Credentials, wait int64, names ...string) command.HoldAcquire {
	op := hold(by, names...)
	op.WaitMilliseconds = wait
	return op
}

func shared(by command.Credentials, name, owner string) command.HoldAcquire {
	return command.HoldAcquire{Names: []string{name}, By: by, Owner: owner, Mode: command.Shared}
}

func permits(by command.Credentials, name string, some, limit uint32) command.HoldAcquire {
	return command.HoldAcquire{Names: []string{name}, By: by, Mode: command.Semaphore, Permits: some, Limit: limit}
}

// must seals one entry of ops that all succeed.
func (l *testLog) must(ops ...command.Op) []command.Reply {
	l.t.Helper()
	replies := l.do(ops...)
	for i, reply := range replies {
		if reply.IsError() || reply.Type == command.ReplyAgain {
			l.t.Fatalf("%+v: %s", ops[i], shown(reply))
		}
	}
	return replies
}

// redisWrites is the table of what each Redis write answers on a native name. Every command of Redis that writes stands in it; a row that ends in "…" is a prefix.
var redisWrites = []struct{ line, answer string }{
	{"SET k v", "-LOCKED…"}, {"SET k v NX", "nil"}, {"SET k v XX", "nil"}, {"SET k v GET", "-LOCKED…"}, {"SET k v PX 100", "-LOCKED…"}, {"SET k v NX PX 100", "nil"},
	{"SET k v IFEQ OPAQUE", "nil"}, {"SET k v IFNE other", "-LOCKED…"}, {"SETNX k v", "0"}, {"SETEX k 9 v", "-LOCKED…"}, {"PSETEX k 9 v", "-LOCKED…"}, {"GETSET k v", "-LOCKED…"},
	{"GETDEL k", "-LOCKED…"}, {"GETEX k", `"coordd:…`}, {"GETEX k PX 100", "-LOCKED…"}, {"GETEX k PERSIST", "-LOCKED…"}, {"MSET other 1 k v", "-LOCKED…"}, {"MSETNX other 1 k v", "0"},
	{"INCR k", "-LOCKED…"}, {"DECR k", "-LOCKED…"}, {"INCRBY k 2", "-LOCKED…"}, {"DECRBY k 2", "-LOCKED…"}, {"INCRBYFLOAT k 2", "-LOCKED…"}, {"DEL other k", "-LOCKED…"},
	{"UNLINK k", "-LOCKED…"}, {"DELEX k", "-LOCKED…"}, {"DELEX k IFEQ OPAQUE", "0"}, {"DELEX k IFNE other", "-LOCKED…"}, {"DELIFEQ k OPAQUE", "0"}, {"EXPIRE k 0", "-LOCKED…"},
	{"EXPIRE k 9 NX", "-LOCKED…"}, {"PEXPIRE k 9", "-LOCKED…"}, {"EXPIREAT k 9", "-LOCKED…"}, {"PEXPIREAT k 9", "-LOCKED…"}, {"PERSIST k", "-LOCKED…"},
}

func matches(answer, want string) bool {
	if prefix, ok := strings.CutSuffix(want, "…"); ok {
		return strings.HasPrefix(answer, prefix)
	}
	return answer == want
}

// No Redis command changes a name that is native, in whatever way it is; each cell of the table, alone, in a transaction and in a script (safety case S11).
func TestS11_EveryRedisWriteAgainstEveryNativeState(t *testing.T) {
	covered := map[string]bool{}
	for _, row := range redisWrites {
		covered[strings.ToLower(strings.Fields(row.line)[0])] = true
	}
	for _, known := range redissyntax.Commands() {
		if known.Flags&redissyntax.Write != 0 && !covered[known.Name] {
			t.Errorf("%s writes and is not in the table", known.Name)
		}
	}
	for state, make := range nativeStates {
		for _, row := range redisWrites {
			for way, wrapped := range redisWays {
				l := newTestLog(t)
				by := command.Credentials{Session: l.opened(60_000), Secret: scenarioSecret}
				make(l, by)
				opaque := l.m.readOne(command.Get{Name: name("k")})
				before := l.m.readOne(command.LockInfo{Name: "k"})
				reply := l.do(wrapped(t, strings.Fields(strings.ReplaceAll(row.line, "OPAQUE", string(opaque.Text)))))[0]
				if reply.Type == command.ReplyArray {
					reply = reply.Elements[0]
				}
				cell := fmt.Sprintf("%s %s, of a name that is %s", row.line, way, state)
				if !matches(shown(reply), row.answer) {
					t.Errorf("%s: %s, want %s", cell, shown(reply), row.answer)
				}
				after := l.m.readOne(command.LockInfo{Name: "k"})
				if state != "pending" && shown(before) != shown(after) {
					t.Errorf("%s changed it:\n%s\n%s", cell, shown(before), shown(after))
				}
				l.untouched(cell)
			}
		}
		l := newTestLog(t)
		make(l, command.Credentials{Session: l.opened(60_000), Secret: scenarioSecret})
		opaque := l.m.readOne(command.Get{Name: name("k")})
		script := command.Script{Program: compareAndDelete(t), Keys: [][]byte{[]byte("k")}, Arguments: [][]byte{opaque.Text}}
		if reply := l.do(script)[0]; shown(reply) != "0" {
			t.Errorf("a compare-and-delete with what GET answered, of a name that is %s: %s", state, shown(reply))
		}
	}
}

// redisWays are the ways in which a Redis command reaches the machine.
var redisWays = map[string]func(t *testing.T, words []string) command.Op{
	"alone": parsed,
	"in a transaction": func(t *testing.T, words []string) command.Op {
		return command.Transaction{Ops: []command.Op{parsed(t, words)}}
	},
	"in a script": scripted,
}

// scripted is the command as a script that calls it and returns its answer; names are keys, and all else is arguments.
func scripted(t *testing.T, words []string) command.Op {
	var op command.Script
	operands := []script.Expression{{Op: script.Text, Text: words[0]}}
	for _, word := range words[1:] {
		table, list := script.Arguments, &op.Arguments
		if word == "k" || word == "other" && len(op.Keys) == 0 && len(op.Arguments) == 0 {
			table, list = script.Keys, &op.Keys
		}
		*list = append(*list, []byte(word))
		operands = append(operands, script.Expression{Op: script.Index, Operands: []script.Expression{{Op: table}, {Op: script.Number, Number: float64(len(*list))}}})
	}
	call := script.Expression{Op: script.CallBuiltin, Place: uint32(script.RedisCall), Operands: operands}
	program := script.Program{Main: []script.Statement{{Op: script.Return, Expressions: []script.Expression{call}}}}
	op.Program = program.Encode()
	if _, err := script.Decode(op.Program); err != nil {
		t.Fatalf("%v: %v", words, err)
	}
	return op
}

// untouched demands that k is still the native name, and that the other name of the table was not made.
func (l *testLog) untouched(cell string) {
	l.t.Helper()
	if other := l.m.readOne(command.Exists{Names: []command.Name{name("other")}}); shown(other) != "0" {
		l.t.Errorf("%s: half of its work was done", cell)
	}
	if exists, kind := l.m.readOne(command.Exists{Names: []command.Name{name("k")}}), l.m.readOne(command.Type{Name: name("k")}); shown(exists) != "1" || shown(kind) != "string" {
		l.t.Errorf("after %s: exists %s, type %s", cell, shown(exists), shown(kind))
	}
	if err := checkInvariants(l.m); err != nil {
		l.t.Fatalf("%s: %v", cell, err)
	}
}

func parsed(t *testing.T, words []string) command.Op {
	argv := make([][]byte, len(words))
	for i, word := range words {
		argv[i] = []byte(word)
	}
	op, refusal, ok := redissyntax.Parse(0, argv)
	if !ok {
		t.Fatalf("%v: %s", words, refusal.Text)
	}
	return op
}

func (m *Machine) readOne(op command.Op) command.Reply {
	replies, _ := m.Read(m.Now(), []command.Op{op})
	return replies[0]
}

// nativeOps is the table of what each native command answers when a Redis value stands on the name. The value is never touched, except by force.
var nativeOps = []struct {
	what, answer string
	op           func(by command.Credentials, token command.Token) command.Op
}{
	{"try exclusive", "-HELD 'k' is held by a Redis value…", func(by command.Credentials, _ command.Token) command.Op { return hold(by, "k") }},
	{"try shared", "-HELD…", func(by command.Credentials, _ command.Token) command.Op { return shared(by, "k", "r") }},
	{"try permits", "-HELD…", func(by command.Credentials, _ command.Token) command.Op { return permits(by, "k", 1, 2) }},
	{"try set", "-HELD 'k'…", func(by command.Credentials, _ command.Token) command.Op { return hold(by, "j", "k") }},
	{"wait exclusive", "queued=1…", func(by command.Credentials, _ command.Token) command.Op { return waiting(by, 5000, "k") }},
	{"wait set", "queued=1…", func(by command.Credentials, _ command.Token) command.Op { return waiting(by, 5000, "j", "k") }},
	{"release", "-NOTHELD…", func(by command.Credentials, token command.Token) command.Op {
		return command.HoldRelease{Name: "k", Hold: command.HoldRef{Token: token}, By: by}
	}},
	{"release without a session", "-NOTHELD…", func(_ command.Credentials, token command.Token) command.Op {
		return command.HoldRelease{Name: "k", Hold: command.HoldRef{Token: token}}
	}},
	{"renew", "-NOTHELD…", func(_ command.Credentials, token command.Token) command.Op {
		return command.HoldRenew{Name: "k", Hold: command.HoldRef{Token: token}, TTLMilliseconds: 9000}
	}},
	{"cancel", "OK", func(by command.Credentials, _ command.Token) command.Op {
		return command.HoldCancel{Name: "k", Waiter: command.WaiterID{Index: 2}, By: by}
	}},
	{"cancel by owner", "OK", func(by command.Credentials, _ command.Token) command.Op {
		return command.HoldCancel{Name: "k", Owner: "o", By: by}
	}},
	{"describe", "-NOTHELD…", func(by command.Credentials, token command.Token) command.Op {
		return command.HoldDescribe{Name: "k", Hold: command.HoldRef{Token: token}, By: by}
	}},
	{"transfer", "-NOTHELD…", func(by command.Credentials, token command.Token) command.Op {
		return command.ElectionTransfer{Name: "k", Hold: command.HoldRef{Token: token}, By: by, Candidate: "c"}
	}},
	{"check", "[name=k hold=2 valid=1 state=current mode=redis token=2…", func(_ command.Credentials, token command.Token) command.Op {
		return command.HoldCheck{Checks: []command.Check{{Name: "k", Hold: command.HoldRef{Token: token}}}}
	}},
	{"leader", "leader=me…", func(command.Credentials, command.Token) command.Op { return command.ElectionLeader{Name: "k"} }},
	{"info", "name=k state=held mode=redis token=2…", func(command.Credentials, command.Token) command.Op { return command.LockInfo{Name: "k"} }},
	{"list", "cursor= position=…", func(command.Credentials, command.Token) command.Op { return command.LockList{Count: 10, Redis: true} }},
	{"history", "[]", func(command.Credentials, command.Token) command.Op { return command.LockHistory{Name: "k", Count: 10} }},
	{"outcome", "-NOTHELD…", func(command.Credentials, command.Token) command.Op {
		return command.HoldOutcome{Name: "k", Waiter: command.WaiterID{Index: 2}}
	}},
}

func TestS11_EveryNativeCommandAgainstARedisValue(t *testing.T) {
	for _, numbered := range []bool{false, true} {
		for _, row := range nativeOps {
			l := newTestLog(t)
			by := command.Credentials{Session: l.opened(60_000), Secret: scenarioSecret}
			l.must(setNX("k", "me", 9000))
			op := row.op(by, command.Token(l.index))
			if numbered && command.Numberable(op.Kind()) {
				op = command.Numbered{By: by, Number: 1, Op: op}
			}
			if reply := shown(l.do(op)[0]); !matches(reply, row.answer) {
				t.Errorf("%s: %s, want %s", row.what, reply, row.answer)
			}
			l.expect(command.Get{Name: name("k")}, `"me"`)
			l.expect(command.Fence{Name: name("k")}, "2")
			l.expect(command.TimeToLive{Name: name("k"), Form: command.RemainingMilliseconds}, "9000")
			// Who waits gets it when the value goes.
			l.do(command.Delete{Names: []command.Name{name("k")}})
			_, locks, _, waiters := l.m.Counts()
			if waits := strings.HasPrefix(row.what, "wait"); waits != (locks > 0) || waiters != 0 {
				t.Errorf("%s, after the value has gone: %d locks, %d waiters", row.what, locks, waiters)
			}
		}
	}
	l := newTestLog(t)
	l.must(setNX("k", "me", 9000))
	l.must(command.ForceUnlock{Name: "k", Reason: "test", Actor: "me"})
	l.expect(command.Get{Name: name("k")}, "nil")
}

// Every kind of native op stands in one of the tables, or needs no name.
func TestTheMixedTablesAreComplete(t *testing.T) {
	covered := []command.Kind{command.KindForceUnlock, command.KindNumbered}
	for _, row := range nativeOps {
		covered = append(covered, row.op(command.Credentials{}, 1).Kind())
	}
	for _, op := range goldenHoldOps(command.SessionID{Index: 1}) {
		if names, _ := command.NamesOf(op); len(names) > 0 && !slices.Contains(covered, op.Kind()) {
			t.Errorf("%s is in no table", fmt.Sprintf("%T", op))
		}
	}
}
