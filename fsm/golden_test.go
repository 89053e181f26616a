package fsm

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// golden holds, per released format, a log, the snapshot it ends in, and digests of what happened on the way. They are opened for ever: what was written once
// is read with the same meaning by every later build.
const golden = "testdata/golden"

// released names the files that are never written again. They are added here by the commit that releases what they hold.
var released = map[string]bool{"v1": true, "v2": true}

// current is the newest set of files: it has every kind and every table.
const current = "v3"

var rewriteGolden = flag.Bool("rewrite-golden", false, "write the golden files of the format that is not released yet")

func TestGoldenFilesReadForEver(t *testing.T) {
	if *rewriteGolden {
		if released[current] {
			t.Fatalf("format %s is released: its files stay as they are, and a change of meaning needs a new format", current)
		}
		writeGolden(t, filepath.Join(golden, current))
	}
	formats, err := os.ReadDir(golden)
	if err != nil || len(formats) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, format := range formats {
		t.Run(format.Name(), func(t *testing.T) { openGolden(t, filepath.Join(golden, format.Name())) })
	}
}

func openGolden(t *testing.T, folder string) {
	log, snapshot, digest := readFile(t, folder, "log.bin"), readFile(t, folder, "snapshot.bin"), readFile(t, folder, "digest.txt")
	m := New()
	if got := replay(t, m, log); got != string(digest) {
		t.Errorf("the log means something else now:\n%s", firstDifference(got, string(digest)))
	}
	if !bytes.Equal(snapshotOf(m), snapshot) {
		t.Error("the log ends in another snapshot")
	}
	restored := New()
	if err := restored.Restore(bytes.NewReader(snapshot)); err != nil {
		t.Fatal(err)
	}
	if err := checkInvariants(restored); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(snapshotOf(restored), snapshot) {
		t.Error("the snapshot does not come out as it went in")
	}
}

// replay runs a log of framed entries and tells what each did.
func replay(t *testing.T, m *Machine, log []byte) string {
	var digest strings.Builder
	for index := uint64(1); len(log) > 0; index++ {
		size, n := binary.Uvarint(log)
		entry := log[n : n+int(size)]
		log = log[n+int(size):]
		decoded, err := command.DecodeEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		if again := command.AppendEntry(nil, decoded); !bytes.Equal(again, entry) {
			t.Fatalf("entry %d encodes differently now", index)
		}
		applied := m.Apply(index, 1, entry)
		if applied.Fatal != nil {
			t.Fatal(applied.Fatal)
		}
		fmt.Fprintf(&digest, "%d now=%d hash=%016x", index, applied.Now, m.state.chain)
		for i, reply := range applied.Replies {
			fmt.Fprintf(&digest, " %d:%s", decoded.Commands[i].Op.Kind(), digestOf(reply))
		}
		for _, event := range applied.Events {
			fmt.Fprintf(&digest, " %s", strings.ReplaceAll(eventLine(event), " ", ","))
		}
		digest.WriteByte('\n')
	}
	return digest.String()
}

// digestOf leaves out the texts of errors, which may change.
func digestOf(reply command.Reply) string {
	if reply.IsError() {
		return "-" + reply.Code.Prefix()
	}
	return strings.ReplaceAll(shown(clipTexts(reply)), " ", "_")
}

func clipTexts(reply command.Reply) command.Reply {
	elements := make([]command.Reply, len(reply.Elements))
	for i, element := range reply.Elements {
		elements[i] = clipTexts(element)
	}
	reply.Elements = elements
	if reply.IsError() {
		reply.Text = []byte(reply.Code.Prefix())
	}
	return reply
}

// goldenLog is a log with every kind, written once by hand and then at random from a fixed seed.
func goldenLog(t *testing.T) []byte {
	s := newScenario(rand.New(rand.NewPCG(1, 2)).IntN)
	for _, op := range goldenOps(t) {
		s.seal(op)
	}
	for range 100 {
		s.step()
	}
	s.seal(command.SessionOpenEarly{SecretHash: scenarioSecret, TTLMilliseconds: 80_000, EarlyMilliseconds: 2000})
	s.fillHoldTables()
	s.fillEveryTable(s.fillPoolTables())
	var log []byte
	for _, entry := range s.entries {
		log = binary.AppendUvarint(log, uint64(len(entry)))
		log = append(log, entry...)
	}
	return log
}

// fillEveryTable ends a log so that the snapshot after it has rows of every kind: a session that is giving back, a pending grant, remembered results. more
// has ops for the last entry, whose index it is told.
func (s *scenario) fillEveryTable(more func(index uint64) []command.Op) {
	s.seal(command.SessionOpen{SecretHash: scenarioSecret, TTLMilliseconds: 80_000})
	session := command.SessionID{Index: s.index}
	var acquires []command.Op
	for i := range command.ExpireSlice + 5 {
		acquires = append(acquires, command.LockAcquire{Name: fmt.Sprint("held:", i), Session: session, SecretHash: scenarioSecret})
	}
	s.seal(acquires...)
	s.seal(command.SessionClose{Session: session, SecretHash: scenarioSecret}, command.SessionOpen{TTLMilliseconds: 5000, ClientName: "keeps results"},
		command.Set{Name: name("ends"), Value: []byte("v"), Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 500}},
		command.Set{Name: name("stays"), Value: []byte("v")}, command.Set{Name: name("gone"), Value: []byte("v")}, command.Delete{Names: []command.Name{name("gone")}},
		command.ScriptLoad{Source: []byte("return 3")}, command.Setting{Key: "set", Value: "it"})
	keeper := command.SessionID{Index: s.index, Offset: 1}
	var numbered []command.Command
	for i, op := range []command.Op{
		command.Increment{Name: name("counter"), Delta: 1}, command.Set{Name: name("pending"), Value: []byte("v")},
		command.LockAcquire{Name: "pending", TTLMilliseconds: 1000, WaitMilliseconds: 9000}, command.LockAcquire{Name: "stays", TTLMilliseconds: 1000},
		command.LockAcquire{Name: "stays", TTLMilliseconds: 1000, WaitMilliseconds: 9000}, command.Delete{Names: []command.Name{name("pending")}},
		command.LockAcquire{Name: "mine", Session: keeper, Owner: "me"},
	} {
		numbered = append(numbered, command.Command{Request: command.Request{Session: keeper, Number: uint64(i + 1)}, Lane: 9, Op: op})
	}
	for i, op := range more(s.index + 1) {
		numbered = append(numbered, command.Command{Lane: uint64(100 + i), Op: op})
	}
	s.sealCommands(numbered...)
}

func (s *scenario) seal(ops ...command.Op) {
	var commands []command.Command
	for i, op := range ops {
		commands = append(commands, command.Command{Lane: uint64(i + 1), Op: op})
	}
	s.sealCommands(commands...)
}

func (s *scenario) sealCommands(commands ...command.Command) Applied {
	s.index++
	entry := command.Entry{Term: s.term, Now: s.now, Commands: commands}
	s.entries = append(s.entries, command.AppendEntry(nil, entry))
	applied := s.machine.Apply(s.index, s.term, s.entries[len(s.entries)-1])
	s.learn(entry, applied)
	return applied
}

// goldenOps has one op of each kind at least, with every field set to something.
func goldenOps(t *testing.T) []command.Op {
	a, b := name("golden:a"), command.Name{Database: 15, Key: "golden:b"}
	names := []command.Name{a, b}
	relative := command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 60_000}
	session := command.SessionID{Index: 4}
	script := command.Script{Program: compareAndDelete(t), Keys: [][]byte{[]byte("golden:a")}, Arguments: [][]byte{[]byte("1")}}
	ops := []command.Op{
		command.Identity{ClusterID: "golden", ClusterName: "test"}, command.ClockOffset{Milliseconds: 1_700_000_000_000}, command.Setting{Key: "k", Value: "v"},
		command.SessionOpen{SecretHash: scenarioSecret, TTLMilliseconds: 90_000, ClientName: "golden", Metadata: []byte("m"), Node: true},
		command.SessionKeepAlive{Session: session, SecretHash: scenarioSecret},
		command.LockAcquire{Name: "golden:l", Session: session, SecretHash: scenarioSecret, Owner: "o", WaitMilliseconds: 100},
		command.LockAcquire{Name: "golden:m", TTLMilliseconds: 60_000}, command.LockAcquire{Name: "golden:m", TTLMilliseconds: 70_000, WaitMilliseconds: 80_000},
		command.LockRenew{Name: "golden:m", Token: 7, TTLMilliseconds: 65_000}, command.LockRelease{Name: "golden:m", Token: 7},
		command.LockCancel{Name: "golden:m", Waiter: command.WaiterID{Index: 8}},
		command.Set{Name: a, Value: []byte("1"), Condition: command.IfAbsent, Expiry: relative}, command.Set{Name: b, Value: []byte{0, 255}, Reply: command.SetReplyOld},
		command.Get{Name: a}, command.GetExpire{Name: a, Expiry: command.Expiry{Mode: command.ExpiryAbsolute, Milliseconds: 1_700_000_090_000}},
		command.GetRange{Name: a, Start: -3, End: -1}, command.Length{Name: a}, command.MultiGet{Names: names},
		command.MultiSet{Pairs: []command.Pair{{Name: name("golden:c"), Value: []byte("2")}}, IfAbsent: true},
		command.Increment{Name: a, Delta: -5}, command.IncrementBy{Name: a, Delta: "0.25"}, command.Exists{Names: names}, command.Type{Name: a},
		command.ExpireKey{Name: a, Expiry: relative, Conditions: []command.Condition{command.IfExpiry, command.IfGreater}},
		command.TimeToLive{Name: a, Form: command.DeadlineMilliseconds}, command.Persist{Name: a}, command.Scan{Database: 15, Count: 10}, command.Keys{Match: "*a"},
		command.DatabaseSize{Database: 15}, command.Time{}, command.Fence{Name: a, HasValue: true, Value: []byte("x")}, command.Revisions{Names: names},
		command.Transaction{Watches: []command.Watch{{Name: a, Revision: 1}}, Ops: []command.Op{command.Get{Name: a}}},
		command.Transaction{Ops: []command.Op{command.Set{Name: a, Value: []byte("1")}, command.Fence{Name: a}, script}}, script,
		command.ScriptLoad{Source: []byte("return 1")}, command.ScriptSource{SHA1: "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"},
		command.ScriptExists{SHA1s: []string{"e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"}}, command.ScriptFlush{}, command.ScriptLoad{Source: []byte("return 2")},
		command.DeleteIf{Name: b, Condition: command.IfNotEqual, Operand: []byte("z")}, command.GetDelete{Name: name("golden:c")}, command.Delete{Names: names},
		command.SessionOpen{TTLMilliseconds: 500}, command.SessionClose{Session: command.SessionID{Index: 44}},
		command.Tick{}, command.Expire{}, command.Set{Name: b, Value: []byte("stays")},
		command.LockAcquire{Name: "golden:n", Session: session, SecretHash: scenarioSecret, Owner: "p"},
		command.LockAcquire{Name: "golden:n", TTLMilliseconds: 70_000, WaitMilliseconds: 86_000_000},
		command.GetRefused{Name: a, Text: "syntax error"},
	}
	ops = append(ops, goldenEarlyOps()...)
	ops = append(ops, goldenPoolOps(session)...)
	return append(ops, goldenHoldOps(session)...)
}

// goldenEarlyOps has each op of early ends.
func goldenEarlyOps() []command.Op {
	return []command.Op{
		command.SessionOpenEarly{SecretHash: scenarioSecret, TTLMilliseconds: 90_000, ClientName: "golden", Metadata: []byte("m"), EarlyMilliseconds: 3000},
		command.SessionEndEarly{Session: command.SessionID{Index: 4, Offset: 1}, Renewed: 999},
	}
}

// goldenHoldOps has each op of native holds.
func goldenHoldOps(session command.SessionID) []command.Op {
	by := command.Credentials{Session: session, Secret: scenarioSecret}
	hold, waiter := command.HoldRef{Token: 9, Waiter: command.WaiterID{Index: 60}}, command.WaiterID{Index: 61, Offset: 1}
	acquire := command.HoldAcquire{Names: []string{"golden:x", "golden:y"}, By: by, Owner: "o", WaitMilliseconds: 80_000, Reentrant: true, MaxHold: 90_000, Delay: 500, AtLeast: 600, Metadata: []byte("m")}
	return []command.Op{
		acquire, command.Numbered{By: by, Number: 7, LowWater: 3, Op: acquire},
		command.HoldAcquire{Names: []string{"golden:p"}, Mode: command.Semaphore, Permits: 2, Limit: 3, TTLMilliseconds: 70_000},
		command.HoldAcquire{Names: []string{"golden:s"}, Mode: command.Shared, By: by, Owner: "s"},
		command.HoldRenew{Name: "golden:p", Hold: hold, TTLMilliseconds: 71_000}, command.HoldRelease{Name: "golden:x", Hold: hold, By: by, Owner: "o", All: true},
		command.HoldCancel{Name: "golden:x", Waiter: waiter, By: by}, command.HoldCancel{Name: "golden:x", Owner: "q", By: by}, command.HoldCancel{Name: "golden:x", Number: 9, By: by},
		command.HoldDescribe{Name: "golden:x", Hold: hold, By: by, Owner: "o", Metadata: []byte("n")},
		command.HoldCheck{Checks: []command.Check{{Name: "golden:x", Hold: hold}, {Name: "golden:s"}}}, command.LockInfo{Name: "golden:x"},
		command.LockList{Cursor: "golden:p", Count: 9, Match: "g*", Redis: true}, command.LockHistory{Name: "golden:x", Count: 3}, command.HoldOutcome{Name: "golden:x", Waiter: waiter},
		command.ElectionTransfer{Name: "golden:x", Hold: hold, By: by, Owner: "o", Waiter: waiter, Candidate: "c"}, command.ElectionLeader{Name: "golden:x"},
		command.SessionRenew{By: by, Acknowledged: []command.WaiterID{waiter}}, command.SessionList{Cursor: session, Count: 4, Match: "*", Nodes: true},
		command.SessionInfo{Session: session}, command.ForceUnlock{Name: "golden:x", Waiter: waiter, Reason: "why", Actor: "who", Now: true},
		command.ForceUnlock{Name: "golden:x", Reason: "why", Actor: "who"}, command.SessionKill{Session: command.SessionID{Index: 44}, Reason: "why", Actor: "who", Now: true},
	}
}

// fillHoldTables leaves rows in every table of native holds: a loss, a ghost, a past holder, a killed session, a successor that waits for the next entry.
func (s *scenario) fillHoldTables() {
	open := command.SessionOpen{SecretHash: scenarioSecret, TTLMilliseconds: 80_000}
	s.seal(open, open)
	by := command.Credentials{Session: command.SessionID{Index: s.index}, Secret: scenarioSecret}
	killed := command.SessionID{Index: s.index, Offset: 1}
	one := func(name string, mode command.Mode, wait int64) command.HoldAcquire {
		return command.HoldAcquire{Names: []string{name}, Mode: mode, By: by, Owner: fmt.Sprint(name, wait), WaitMilliseconds: wait, Delay: 9000}
	}
	permit := one("permits", command.Semaphore, 0)
	permit.Permits, permit.Limit = 2, 3
	s.seal(one("lost", command.Exclusive, 0), one("read", command.Shared, 0), permit, one("ends", command.Exclusive, 0), one("ends", command.Exclusive, 50_000))
	s.seal(command.ForceUnlock{Name: "lost", Reason: "golden", Actor: "test"}, command.SessionKill{Session: killed, Reason: "golden", Actor: "test"},
		command.HoldRelease{Name: "ends", Hold: command.HoldRef{Waiter: command.WaiterID{Index: s.index, Offset: 3}}, By: by})
}

func TestGoldenSnapshotHasRowsOfEveryTable(t *testing.T) {
	m := New()
	replay(t, m, readFile(t, filepath.Join(golden, current), "log.bin"))
	for _, table := range m.state.tables() {
		if table.copyForSnapshot().rows == 0 {
			t.Errorf("table %d is empty in the golden snapshot", table.tableID())
		}
	}
}

func TestGoldenOpsHaveEveryKind(t *testing.T) {
	there := map[command.Kind]bool{}
	for _, op := range goldenOps(t) {
		there[op.Kind()] = true
	}
	for _, kind := range command.Kinds() {
		if !there[kind] {
			t.Errorf("kind %d is in no golden log", kind)
		}
	}
}

func writeGolden(t *testing.T, folder string) {
	log, m := goldenLog(t), New()
	digest := replay(t, m, log)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{"log.bin": log, "digest.txt": []byte(digest), "snapshot.bin": snapshotOf(m)} {
		if err := os.WriteFile(filepath.Join(folder, file), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readFile(t *testing.T, folder, file string) []byte {
	data, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func firstDifference(got, want string) string {
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			return "got  " + gotLines[i] + "\nwant " + wantLines[i]
		}
	}
	return fmt.Sprintf("%d lines, not %d", len(gotLines), len(wantLines))
}
