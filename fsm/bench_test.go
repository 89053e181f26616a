package fsm

import (
	"fmt"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

const perEntry = 256

// benchmarkEntries applies entries of 256 commands that make returns for each round, with numbered requests as a node sends them, and reports time per command.
func benchmarkEntries(b *testing.B, before int, make func(round, i int) command.Op) {
	m := New()
	index, now := uint64(0), command.Instant(1000)
	apply := func(commands []command.Command) {
		index++
		now++
		applied := m.Apply(index, 1, command.AppendEntry(nil, command.Entry{Term: 1, Now: now, Commands: commands}))
		if applied.Replies[0].IsError() || applied.Replies[0].Type == command.ReplyAgain {
			b.Fatalf("%s", shown(applied.Replies[0]))
		}
	}
	apply([]command.Command{{Op: command.SessionOpen{TTLMilliseconds: 86_400_000, Node: true}}})
	session, number := command.SessionID{Index: 1}, uint64(0)
	for i := range before {
		apply([]command.Command{{Op: command.Set{Name: name(fmt.Sprint("other", i)), Value: []byte("x"), Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 80_000_000}}}})
	}
	b.ReportAllocs()
	round := 0
	for b.Loop() {
		b.StopTimer()
		commands := []command.Command{}
		for i := range perEntry {
			number++
			request := command.Request{Session: session, Number: number}
			if number > 512 {
				request.LowWater = number - 512
			}
			commands = append(commands, command.Command{Lane: uint64(i + 1), Request: request, Op: make(round, i)})
		}
		round++
		index++
		now++
		data := command.AppendEntry(nil, command.Entry{Term: 1, Now: now, Commands: commands})
		b.StartTimer()
		applied := m.Apply(index, 1, data)
		if applied.Replies[0].IsError() || applied.Replies[0].Type == command.ReplyAgain {
			b.Fatalf("%s", shown(applied.Replies[0]))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/perEntry, "ns/command")
}

func take(i int) command.Op {
	return command.Set{Name: name(fmt.Sprint("lock:", i)), Value: []byte("0123456789abcdef"), Condition: command.IfAbsent, Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 30_000}}
}

// BenchmarkTakeAndGiveBack is the work of a lock client: SET NX PX in one entry, compare-and-delete in the next.
func BenchmarkTakeAndGiveBack(b *testing.B) {
	benchmarkEntries(b, 10_000, func(round, i int) command.Op {
		if round%2 == 0 {
			return take(i)
		}
		return command.DeleteIf{Name: name(fmt.Sprint("lock:", i)), Condition: command.IfEqual, Operand: []byte("0123456789abcdef")}
	})
}

// BenchmarkGiveBackByScript does the second half by the script that clients send.
func BenchmarkGiveBackByScript(b *testing.B) {
	program := compareAndDelete(b)
	benchmarkEntries(b, 10_000, func(round, i int) command.Op {
		if round%2 == 0 {
			return take(i)
		}
		return command.Script{Program: program, Keys: [][]byte{[]byte(fmt.Sprint("lock:", i))}, Arguments: [][]byte{[]byte("0123456789abcdef")}}
	})
}

// BenchmarkPolling is a storm of SET NX on one held name.
func BenchmarkPolling(b *testing.B) {
	benchmarkEntries(b, 10_000, func(int, int) command.Op { return take(0) })
}

// BenchmarkNativeAcquireAndRelease takes locks without a session and gives them back.
func BenchmarkNativeAcquireAndRelease(b *testing.B) {
	var taken uint64
	benchmarkEntries(b, 10_000, func(round, i int) command.Op {
		if round%2 == 0 {
			taken = uint64(round) + 10_002
			return command.LockAcquire{Name: fmt.Sprint("lock:", i), TTLMilliseconds: 30_000}
		}
		return command.LockRelease{Name: fmt.Sprint("lock:", i), Token: command.Token(taken)}
	})
}

// BenchmarkSnapshot freezes a state with 100,000 names.
func BenchmarkSnapshot(b *testing.B) {
	m := New()
	for i := range 400 {
		var pairs []command.Pair
		for j := range 250 {
			pairs = append(pairs, command.Pair{Name: name(fmt.Sprint(i, ":", j)), Value: []byte("v")})
		}
		m.Apply(uint64(i+1), 1, command.AppendEntry(nil, command.Entry{Term: 1, Now: 1, Commands: []command.Command{{Op: command.MultiSet{Pairs: pairs}}}}))
	}
	for b.Loop() {
		m.Snapshot()
	}
}
