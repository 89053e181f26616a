package clients

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
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

func TestAPoolIsServedWhenEachPartitionWasWrittenToAfterTheInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker()
		write := func(partition int, invoked int64, how history.Type) {
			event := history.Event{Process: "a", Workload: "pool", Op: workload.OpWrite, Key: workload.PoolKey(partition), Type: history.Invoke, At: invoked}
			tracker.Observe(event)
			event.Type, event.At = how, invoked+200
			tracker.Observe(event)
		}
		for partition := range workload.PoolPartitions {
			write(partition, 110, history.OK)
		}
		write(0, 90, history.OK) // of another worker, begun earlier and ended later
		limit, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if lacking, err := tracker.Served(limit, 100); err != nil || len(lacking) != 0 {
			t.Errorf("lacking %v, %v", lacking, err)
		}
		write(5, 120, history.Fail) // a stale one
		if lacking, err := tracker.Served(limit, 111); err == nil || len(lacking) != workload.PoolPartitions {
			t.Errorf("lacking %v, %v", lacking, err)
		}
		for partition := range workload.PoolPartitions - 1 {
			write(partition, 111, history.OK)
		}
		limit2, cancel2 := context.WithTimeout(t.Context(), time.Second)
		defer cancel2()
		if lacking, err := tracker.Served(limit2, 111); err == nil || !slices.Equal(lacking, []int{workload.PoolPartitions - 1}) {
			t.Errorf("lacking %v, %v", lacking, err)
		}
	})
}

func TestAWorkerOfAPoolIsNoThinker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker()
		tracker.Observe(history.Event{Process: store.Process, Type: history.Note, Op: store.OpRead, Key: workload.PoolKey(3), Holder: "pool/static", Token: 7})
		limit, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if thought, err := tracker.Thinking(limit); err == nil {
			t.Errorf("%+v would be stopped as the holder of a lock", thought)
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
