package raftnode

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/metrics"
	"github.com/hashicorp/raft"
)

// oneNodeLog is a log of one node without Raft: what is proposed is committed at once, unless the gate is closed, and run by a machine.
type oneNodeLog struct {
	machine       *fsm.Machine
	progress      *progress
	gate          chan struct{} // nil: open
	committerTerm uint64

	mu      sync.Mutex
	index   uint64
	entries []command.Entry
	refuse  error
}

// landedFuture is a raft.ApplyFuture that resolves when its channel is closed.
type landedFuture struct {
	done     chan struct{}
	err      error
	index    uint64
	response any
}

func (f *landedFuture) Error() error  { <-f.done; return f.err }
func (f *landedFuture) Response() any { return f.response }
func (f *landedFuture) Index() uint64 { return f.index }

// Apply implements entryLog.
func (l *oneNodeLog) Apply(data []byte, _ time.Duration) raft.ApplyFuture {
	l.mu.Lock()
	defer l.mu.Unlock()
	future := &landedFuture{done: make(chan struct{}), err: l.refuse}
	if l.refuse != nil {
		close(future.done)
		return future
	}
	entry, _ := command.DecodeEntry(data)
	l.entries = append(l.entries, entry)
	l.index++
	future.index = l.index
	gate := l.gate
	go func() {
		if gate != nil {
			<-gate
		}
		applied := l.machine.Apply(future.index, l.committerTerm, data)
		l.progress.publish(applied.Index, applied.Now)
		future.response = applied
		close(future.done)
	}()
	return future
}

func (l *oneNodeLog) sealed() []command.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]command.Entry(nil), l.entries...)
}

// bench is a running proposer over such a log.
type bench struct {
	*proposer
	log       *oneNodeLog
	monotonic *manualTime
	lost      chan struct{}
}

// manualTime is a monotonic clock moved by hand.
type manualTime struct {
	mu sync.Mutex
	at time.Duration
}

func (m *manualTime) now() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

func (m *manualTime) advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at += d
}

// newBench starts a proposer of term 5 whose entries are committed in the given term.
func newBench(t *testing.T, committerTerm uint64, gate chan struct{}) *bench {
	b := &bench{monotonic: &manualTime{at: time.Hour}, lost: make(chan struct{}, 100)}
	machine, progress := fsm.New(), &progress{}
	b.log = &oneNodeLog{machine: machine, progress: progress, gate: gate, committerTerm: committerTerm}
	applied := func() command.Instant { _, instant := progress.position(); return instant }
	b.proposer = &proposer{
		term: 5, log: b.log, clock: newLeaderClock(b.monotonic.now, applied), machine: machine, unix: newUnixClock(), metrics: metrics.New(), maxFlights: 1,
		patience: time.Second, fatal: func(err error) { t.Log(err) }, lost: func() { nudge(b.lost) },
		kick: make(chan struct{}, 1), landed: make(chan *flight, maxEntriesInFlight), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go b.run()
	t.Cleanup(func() { close(b.stop); <-b.stopped })
	return b
}

// propose submits one anonymous parcel and returns where its result will be.
func (b *bench) propose(lane uint64, urgent bool, ops ...command.Op) <-chan result {
	came := make(chan result, 1)
	commands := make([]command.Command, len(ops))
	for i, op := range ops {
		commands[i] = command.Command{Op: op, Lane: lane}
	}
	b.submit([]*parcel{newParcel(commands, urgent, func(r result) { came <- r })})
	return came
}

func TestS02_AnEntryThatLandsInAnotherTermLeavesNothingAndIsNotAnswered(t *testing.T) {
	b := newBench(t, 6, nil)
	came := b.propose(1, false, setOp("k"))
	select {
	case <-b.lost:
	case <-time.After(10 * time.Second):
		t.Fatal("its reign goes on")
	}
	select {
	case r := <-came:
		t.Fatalf("a command that did not run was answered with %+v before its reign had ended", r)
	default:
	}
	if _, _, names, _ := b.machine.Counts(); names != 0 {
		t.Fatal("an entry of another term took effect")
	}
	for _, entry := range b.log.sealed() {
		if entry.Term != 5 {
			t.Fatalf("an entry was stamped with term %d", entry.Term)
		}
	}
}

func TestS07_AgainIsProposedAnewUntilEveryGrantHasItsOwnToken(t *testing.T) {
	gate := make(chan struct{})
	b := newBench(t, 5, gate)
	first := b.propose(1, false, setOp("busy")) // under way, so that the rest shares the next entry
	take := func(value string) command.Op {
		return command.Set{Name: keyed("k"), Value: []byte(value), Condition: command.IfAbsent}
	}
	drop := func(value string) command.Op {
		return command.DeleteIf{Name: keyed("k"), Condition: command.IfEqual, Operand: []byte(value)}
	}
	fence := func(value string) command.Op {
		return command.Fence{Name: keyed("k"), HasValue: true, Value: []byte(value)}
	}
	var came []<-chan result
	for _, value := range []string{"a", "b", "c"} {
		came = append(came, b.propose(0, false, take(value)), b.propose(0, false, fence(value)), b.propose(0, false, drop(value)))
	}
	close(gate)
	<-first
	seen := map[int64]bool{}
	for i, one := range came {
		r := <-one
		if r.fate != fateDone {
			t.Fatalf("command %d: fate %d", i, r.fate)
		}
		if token := r.replies[0].Integer; i%3 == 1 && r.replies[0].Type == command.ReplyInteger {
			if seen[token] {
				t.Fatalf("token %d was given twice", token)
			}
			seen[token] = true
		}
	}
	if b.metrics.Again.Load() == 0 {
		t.Fatal("nothing was proposed anew: the commands did not share an entry")
	}
}

func TestS09_AnEntryIsStampedWhenItIsSealed(t *testing.T) {
	gate := make(chan struct{})
	b := newBench(t, 5, gate)
	first := b.propose(1, false, setOp("a"))
	for len(b.log.sealed()) == 0 {
		time.Sleep(time.Millisecond)
	}
	second := b.propose(2, false, setOp("b")) // waits for the entry that is under way
	b.monotonic.advance(200 * time.Millisecond)
	gate <- struct{}{}
	<-first
	gate <- struct{}{}
	<-second
	if entries := b.log.sealed(); entries[1].Now < 200 {
		t.Fatalf("the second entry is stamped %d: when it was opened, not when it was sealed", entries[1].Now)
	}
}

func TestS29_KeepalivesAreAdmittedFirstAndShedLast(t *testing.T) {
	gate := make(chan struct{})
	b := newBench(t, 5, gate)
	b.propose(1, false, setOp("under way"))
	for len(b.log.sealed()) == 0 {
		time.Sleep(time.Millisecond)
	}
	for range maxQueuedCommands {
		b.propose(0, false, get("k"))
	}
	if r := <-b.propose(0, false, get("k")); r.fate != fateBusy {
		t.Fatalf("a command beyond the limit has fate %d", r.fate)
	}
	kept := b.propose(0, true, command.SessionKeepAlive{Session: command.SessionID{Index: 3}})
	close(gate)
	if r := <-kept; r.fate != fateDone {
		t.Fatalf("the keepalive has fate %d", r.fate)
	}
	if second := b.log.sealed()[1]; second.Commands[0].Op.Kind() != command.KindSessionKeepAlive {
		t.Fatalf("the next entry begins with kind %d", second.Commands[0].Op.Kind())
	}
}

func TestCoalescingGathersWhatWaits(t *testing.T) {
	gate := make(chan struct{})
	b := newBench(t, 5, gate)
	var came []<-chan result
	for i := range 500 {
		came = append(came, b.propose(0, false, setOp(fmt.Sprint(i))))
	}
	close(gate)
	for _, one := range came {
		<-one
	}
	if entries := len(b.log.sealed()); entries > 5 {
		t.Fatalf("500 commands that waited together needed %d entries", entries)
	}
}

func TestATransferThatDoesNotEndIsFatal(t *testing.T) {
	failed := make(chan error, 1)
	b := newBench(t, 5, nil)
	b.log.refuse = raft.ErrLeadershipTransferInProgress
	b.fatal = func(err error) {
		select {
		case failed <- err:
		default:
		}
	}
	for range 10 * b.patience / (100 * time.Millisecond) {
		if r := <-b.propose(1, false, setOp("k")); r.fate != fateNotProposed {
			t.Fatalf("a refused command has fate %d", r.fate)
		}
		select {
		case <-failed:
			return
		default:
			b.monotonic.advance(100 * time.Millisecond)
		}
	}
	t.Fatalf("a leader that has refused everything for %s goes on", 10*b.patience)
}
