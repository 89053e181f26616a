package command

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// samples holds one op of every kind with every field set, so that a field forgotten in code() shows as a difference.
func samples() []Op {
	name := Name{Database: 3, Key: "job:7"}
	secret := [32]byte{1, 2, 3}
	position := Position{Index: 812, Offset: 3}
	list := append(poolSamples(position, secret), []Op{
		Tick{HashIndex: 9, Hash: 1<<64 - 1}, Expire{}, ClockOffset{Milliseconds: -5}, Identity{"id", "name"}, Setting{"key", "value"},
		SessionOpen{secret, 10_000, "worker", []byte("meta"), true}, SessionKeepAlive{position, secret}, SessionClose{position, secret},
		LockAcquire{"job", position, secret, "owner", 5000, 100}, LockRenew{"job", 77, 5000}, LockRelease{"job", 77, position, secret}, LockCancel{"job", position},
		Set{name, []byte("me"), IfEqual, []byte("old"), Expiry{ExpiryAbsolute, -1}, SetReplyOld}, Get{name}, GetDelete{name},
		GetExpire{name, Expiry{ExpiryRelative, 10}}, GetRange{name, -3, 7}, GetRefused{name, "syntax error"}, Length{name}, MultiGet{[]Name{name, {}}},
		MultiSet{[]Pair{{name, []byte("v")}}, true}, Increment{name, -1}, IncrementBy{name, "1.5"}, Delete{[]Name{name}},
		DeleteIf{name, IfNotEqual, []byte("x")}, Exists{[]Name{name}}, Type{name},
		ExpireKey{name, Expiry{ExpiryRelative, 10}, []Condition{IfExpiry, IfGreater}}, TimeToLive{name, DeadlineMilliseconds}, Persist{name},
		Scan{3, 17, "a*", 10, "string"}, Keys{3, "*"}, DatabaseSize{3}, Time{}, Fence{name, true, []byte("me")}, Revisions{[]Name{name}},
		Transaction{[]Watch{{name, 5}}, []Op{Get{name}, Script{[]byte("p"), 1, [][]byte{[]byte("k")}, nil, true}}},
		Script{[]byte("program"), 3, [][]byte{[]byte("k")}, [][]byte{[]byte("a"), []byte("b")}, true},
		ScriptLoad{[]byte("return 1")}, ScriptSource{"abc"}, ScriptExists{[]string{"abc", "def"}}, ScriptFlush{},
	}...)
	by, hold := Credentials{position, secret}, HoldRef{77, Position{813, 4}}
	acquire := HoldAcquire{[]string{"a", "b"}, Semaphore, 2, 3, by, "owner", 5000, 100, true, 6000, 7000, 8000, []byte("meta")}
	return append(list, SessionOpenEarly{secret, 10_000, "worker", []byte("meta"), 3000}, SessionEndEarly{position, 9000},
		Numbered{by, 9, 4, acquire}, SessionRenew{by, []WaiterID{position}}, SessionKill{position, "why", "who", true}, SessionList{position, 10, "a*", true}, SessionInfo{position},
		acquire, HoldRenew{"job", hold, 5000}, HoldRelease{"job", hold, by, "owner", true}, HoldCancel{"job", position, "owner", 9, by},
		HoldDescribe{"job", hold, by, "owner", []byte("meta")}, HoldCheck{[]Check{{"job", hold}}}, LockInfo{"job"}, LockList{"job", 10, "a*", true}, LockHistory{"job", 10}, HoldOutcome{"job", position},
		ElectionTransfer{"job", hold, by, "owner", position, "candidate"}, ElectionLeader{"job"}, ForceUnlock{"job", position, "why", "who", true},
	)
}

func poolSamples(position Position, secret [32]byte) []Op {
	member, settings := PoolMember{"pool", "w1", position, secret}, PoolSettings{2, 1000, 30_000, 64}
	return []Op{
		PoolCreate{"pool", 4096, settings}, PoolAlter{"pool", PoolZones | PoolMoves, settings}, PoolDelete{"pool", position},
		PoolJoin{member, 3, "north", "10.0.0.1:80", 5000, Position{7, 1}, secret}, PoolLeave{member, 9000}, PoolAcknowledge{member, []Release{{9, 812}, {10, 813}}},
		PoolEvict{"pool", "w1", "why", "who", true}, PoolPin{"pool", 7, "w1"}, PoolList{}, PoolInfo{"pool"}, PoolTable{"pool", 9, position}, PoolAssignment{member},
		PoolExplain{"pool", "key"},
	}
}

func TestEveryKindSurvivesTheLog(t *testing.T) {
	seen := map[Kind]bool{}
	entry := Entry{Term: 4, Now: 123456}
	for i, op := range samples() {
		seen[op.Kind()] = true
		entry.Commands = append(entry.Commands, Command{Request: Request{Position{812, 1}, uint64(i + 1), 7}, Lane: 5, Op: op})
	}
	for kind := range codecs {
		if !seen[kind] {
			t.Errorf("kind %d has no sample", kind)
		}
	}
	data := AppendEntry(nil, entry)
	got, err := DecodeEntry(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, entry) {
		t.Fatalf("decoded differently:\n got %+v\nwant %+v", got, entry)
	}
	for cut := range data {
		if short, err := DecodeEntry(data[:cut]); err == nil {
			t.Fatalf("the first %d of %d bytes decode: %+v", cut, len(data), short)
		}
	}
}

func TestAMalformedCommandLeavesTheOthersAlone(t *testing.T) {
	data := []byte{magic0, magic1, Version, 1, 0, 2, byte(KindClockOffset), 3, 0, 0, 0x80}
	data = AppendCommand(data, Command{Op: Expire{}})
	entry, err := DecodeEntry(data)
	if err != nil {
		t.Fatal(err)
	}
	want := []Op{Malformed{KindClockOffset}, Expire{}}
	if len(entry.Commands) != 2 || entry.Commands[0].Op != want[0] || entry.Commands[1].Op != want[1] {
		t.Fatalf("got %+v", entry.Commands)
	}
}

func TestS10_UnknownVersionOrKindIsNotRefusedButStops(t *testing.T) {
	for _, data := range [][]byte{
		{magic0, magic1, Version + 1, 1, 0, 0},
		{magic0, magic1, Version, 1, 0, 1, 60, 2, 0, 0},                                         // kind 60
		{magic0, magic1, Version, 1, 0, 1, 0x80, byte(KindTransaction >> 7), 5, 0, 0, 0, 1, 60}, // kind 60 in a transaction
		append([]byte{magic0, magic1, Version, 1, 0, 1}, []byte{0xff, 0x7f, 2, 0, 0}...),        // kind 16383
	} {
		_, err := DecodeEntry(data)
		var unknown *UnknownFormatError
		if !errors.As(err, &unknown) {
			t.Errorf("% x: %v", data, err)
		}
	}
}

func TestATransactionHoldsOnlyKeyCommands(t *testing.T) {
	command := AppendCommand(nil, Command{Op: Transaction{Ops: []Op{SessionClose{}}}})
	got, _, err := DecodeCommand(command)
	if err != nil || got.Op != (Malformed{KindTransaction}) {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestRepliesSurvive(t *testing.T) {
	reply := Array(Nil(), NilArray(), OK(), Integer(-7), Bulk([]byte("x")), Map(Bulk([]byte("k")), Array()), Errorf(CodeHeld, "held"), Again())
	data := AppendReply(nil, reply)
	got, rest, err := DecodeReply(append(data, 'x'))
	if err != nil || len(rest) != 1 || !reflect.DeepEqual(got, Array(Nil(), NilArray(), OK(), Integer(-7), Bulk([]byte("x")), Map(Bulk([]byte("k")), Reply{Type: ReplyArray}), Errorf(CodeHeld, "held"), Again())) {
		t.Fatalf("%+v %v", got, err)
	}
	for cut := range data {
		if _, _, err := DecodeReply(data[:cut]); err == nil {
			t.Fatalf("the first %d bytes decode", cut)
		}
	}
}

// FuzzDecodeEntry checks that no bytes make the decoder panic, and that whatever decodes without a malformed part encodes to the same bytes.
func FuzzDecodeEntry(f *testing.F) {
	for i, op := range samples() {
		f.Add(AppendEntry(nil, Entry{Term: uint64(i), Now: Instant(i), Commands: []Command{{Request{Position{1, 0}, 1, 0}, 3, op}}}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entry, err := DecodeEntry(data)
		if err != nil {
			return
		}
		for _, command := range entry.Commands {
			if _, malformed := command.Op.(Malformed); malformed {
				return
			}
		}
		if again := AppendEntry(nil, entry); !bytes.Equal(again, data) {
			t.Fatalf("not canonical:\n % x decodes and encodes to\n % x", data, again)
		}
	})
}
