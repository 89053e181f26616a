package raftnode

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/metrics"
	"github.com/coordd/coordd/transport/peer"
)

// fakeBallot is a leader of term 5, with so many committed entries and other voters n1, n2, ….
type fakeBallot struct {
	commit uint64
	others int
	term   uint64
}

func (b *fakeBallot) leads(term uint64) (uint64, bool) { return b.commit, term == b.term }

func (b *fakeBallot) voters() (int, []peer.Target) {
	var others []peer.Target
	for i := range b.others {
		others = append(others, peer.Target{NodeID: peer.NodeID(rune('1' + i))})
	}
	return b.others + 1, others
}

// fakeTerms answers the terms of the other voters; 0 does not answer.
type fakeTerms map[peer.NodeID]uint64

func (f fakeTerms) Term(_ context.Context, to peer.Target) (peer.TermAnswer, error) {
	if f[to.NodeID] == 0 {
		return peer.TermAnswer{}, errors.New("it does not answer")
	}
	return peer.TermAnswer{Term: f[to.NodeID]}, nil
}

// newTestReads makes the reads of term 5 on a machine.
func newTestReads(ballot *fakeBallot, terms fakeTerms, machine *fsm.Machine, progress *progress, now *manualTime) *reads {
	applied := func() command.Instant { _, instant := progress.position(); return instant }
	return &reads{
		term: 5, ballot: ballot, ask: terms, clock: newLeaderClock(now.now, applied), machine: machine, progress: progress, metrics: metrics.New(),
		patience: 200 * time.Millisecond, nudge: func() {}, lost: func() {}, kick: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

func TestS16_AReadRoundNeedsAMajorityOfTheVoters(t *testing.T) {
	cases := []struct {
		name  string
		terms fakeTerms
		want  bool
	}{
		{"everybody says the term", fakeTerms{"1": 5, "2": 5}, true},
		{"one is down", fakeTerms{"1": 5}, true},
		{"both are cut off", fakeTerms{}, false},
		{"both have moved on", fakeTerms{"1": 6, "2": 6}, false},
		{"one has moved on and one is down", fakeTerms{"2": 6}, false},
		{"both are behind", fakeTerms{"1": 4, "2": 4}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newTestReads(&fakeBallot{others: 2, term: 5}, c.terms, fsm.New(), &progress{}, &manualTime{})
			if got := r.round(t.Context()); got != c.want {
				t.Errorf("the round holds: %v", got)
			}
		})
	}
}

func TestS16_AReadWaitsForTheMachineNotForWhatWasQueued(t *testing.T) {
	machine, progress := fsm.New(), &progress{}
	r := newTestReads(&fakeBallot{others: 0, term: 5, commit: 1}, nil, machine, progress, &manualTime{})
	ctx, cancel := context.WithCancel(t.Context())
	go r.run(ctx)
	defer func() { cancel(); <-r.stopped }()
	came := make(chan result, 1)
	r.submit([]readRequest{{ops: []command.Op{get("k")}, done: func(r result) { came <- r }}})
	select {
	case got := <-came:
		t.Fatalf("answered %+v although the committed entry was not run", got)
	case <-time.After(50 * time.Millisecond):
	}
	applied := machine.Apply(1, 5, command.AppendEntry(nil, command.Entry{Term: 5, Commands: []command.Command{{Op: setOp("k")}}}))
	progress.publish(applied.Index, applied.Now)
	if got := <-came; got.fate != fateDone || string(got.replies[0].Text) != "v" {
		t.Fatalf("answered %+v", got)
	}
}

func TestS15_AReadBeyondADeadlineWaitsUntilItIsCommitted(t *testing.T) {
	machine, progress, now := fsm.New(), &progress{}, &manualTime{}
	run := func(index uint64, instant command.Instant, op command.Op) {
		applied := machine.Apply(index, 5, command.AppendEntry(nil, command.Entry{Term: 5, Now: instant, Commands: []command.Command{{Op: op}}}))
		progress.publish(applied.Index, applied.Now)
	}
	run(1, 0, command.Set{Name: keyed("k"), Value: []byte("v"), Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 100}})
	r := newTestReads(&fakeBallot{others: 0, term: 5, commit: 1}, nil, machine, progress, now)
	ctx, cancel := context.WithCancel(t.Context())
	go r.run(ctx)
	defer func() { cancel(); <-r.stopped }()
	now.advance(150 * time.Millisecond) // the leader's clock has passed the deadline; the log has not
	came := make(chan result, 1)
	r.submit([]readRequest{{ops: []command.Op{get("k")}, done: func(r result) { came <- r }}})
	select {
	case got := <-came:
		t.Fatalf("answered %+v by a clock that is not committed", got)
	case <-time.After(50 * time.Millisecond):
	}
	run(2, 150, command.Expire{})
	if got := <-came; got.fate != fateDone || !got.replies[0].IsNil() {
		t.Fatalf("answered %+v", got)
	}
}

// Ten thousand reads that wait together are answered by few rounds.
func TestReadsShareRounds(t *testing.T) {
	r := newTestReads(&fakeBallot{others: 2, term: 5}, fakeTerms{"1": 5, "2": 5}, fsm.New(), &progress{}, &manualTime{})
	ctx, cancel := context.WithCancel(t.Context())
	const many = 10_000
	came := make(chan result, many)
	for range many {
		r.submit([]readRequest{{ops: []command.Op{get("k")}, done: func(r result) { came <- r }}})
	}
	go r.run(ctx)
	defer func() { cancel(); <-r.stopped }()
	for range many {
		<-came
	}
	if rounds := r.metrics.ReadRounds.Load(); rounds > many/20 {
		t.Fatalf("%d rounds for %d reads", rounds, many)
	}
}

// Pollers that ask again as soon as they are answered share rounds too, although a round is quicker than their return.
func TestPollersShareRounds(t *testing.T) {
	r := newTestReads(&fakeBallot{others: 2, term: 5}, fakeTerms{"1": 5, "2": 5}, fsm.New(), &progress{}, &manualTime{})
	ctx, cancel := context.WithCancel(t.Context())
	go r.run(ctx)
	defer func() { cancel(); <-r.stopped }()
	const pollers, polls = 256, 40
	var polling sync.WaitGroup
	for range pollers {
		polling.Go(func() {
			came := make(chan result, 1)
			for range polls {
				r.submit([]readRequest{{ops: []command.Op{get("k")}, done: func(r result) { came <- r }}})
				<-came
			}
		})
	}
	polling.Wait()
	if rounds := r.metrics.ReadRounds.Load(); rounds > pollers*polls/20 {
		t.Fatalf("%d rounds for %d reads", rounds, pollers*polls)
	}
}
