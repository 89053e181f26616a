package clients

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
)

func TestProgressCountsWhatWasBegunAfterTheInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker()
		op := func(process string, invoked, ended int64, how history.Type) {
			tracker.Observe(history.Event{Process: process, Workload: "lock", Type: history.Invoke, At: invoked})
			tracker.Observe(history.Event{Process: process, Workload: "lock", Type: how, At: ended})
		}
		op("a", 10, 200, history.OK) // begun before
		op("b", 110, 120, history.Fail)
		op("c", 111, 121, history.Info)
		limit, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if lacking, err := tracker.Progress(limit, []string{"lock", "redis"}, 100, 1); err == nil || !slices.Equal(lacking, []string{"lock", "redis"}) {
			t.Errorf("lacking %v, %v", lacking, err)
		}
		go func() {
			time.Sleep(time.Second)
			op("d", 112, 122, history.OK)
		}()
		if lacking, err := tracker.Progress(t.Context(), []string{"lock"}, 100, 1); err != nil {
			t.Errorf("lacking %v, %v", lacking, err)
		}
	})
}

func TestAThinkerIsSucceededOnlyByAnotherReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker()
		event := func(actor, op string, token int64) {
			tracker.Observe(history.Event{Process: store.Process, Type: history.Note, Op: op, Key: "k", Holder: actor, Token: token})
		}
		event("c1/f/0", store.OpRead, 7)
		thought, err := tracker.Thinking(t.Context())
		if err != nil || thought.Process() != "c1" || thought.Token != 7 || !tracker.StillThinking(thought) {
			t.Fatalf("%+v, %v", thought, err)
		}
		limit, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		event("c2/f/0", store.OpRefused, 5)
		if err := tracker.Succeeded(limit, thought); err == nil {
			t.Error("a request that was refused counts as a successor")
		}
		event("c2/f/0", store.OpRead, 9)
		if err := tracker.Succeeded(t.Context(), thought); err != nil || !tracker.StillThinking(thought) {
			t.Errorf("%v, still thinking %v", err, tracker.StillThinking(thought))
		}
		event("c1/f/0", store.OpRefused, 7)
		if err := tracker.Wrote(t.Context(), thought); err != nil || tracker.StillThinking(thought) {
			t.Errorf("it has tried to write: %v", err)
		}
		tracker.gone("c2")
		limit2, cancel2 := context.WithTimeout(t.Context(), time.Second)
		defer cancel2()
		if left, err := tracker.Thinking(limit2); err == nil {
			t.Errorf("%+v thinks although its process is gone", left)
		}
	})
}

func TestTheNextGrantIsOneThatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker()
		grant := func(process, of, op string) {
			tracker.Observe(history.Event{Process: process, Workload: of, Op: op, Type: history.OK})
		}
		grant("c1/keepers/0", "keepers", "acquire")
		go func() {
			time.Sleep(time.Second)
			grant("c2/lock/0", "lock", "acquire")
			grant("c3/keepers/1", "keepers", "release")
			time.Sleep(time.Second)
			grant("c4/keepers/1#2", "keepers", "acquire")
		}()
		if process, err := tracker.NextGrant(t.Context(), "keepers"); err != nil || process != "c4" {
			t.Errorf("%q, %v; want c4", process, err)
		}
	})
}
