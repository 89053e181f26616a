package raftnode

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/raftnode/metrics"
	"github.com/coordd/coordd/transport"
	"github.com/hashicorp/raft"
)

// replica feeds the machine with what Raft commits. It is the raft.BatchingFSM of the node: Raft calls ApplyBatch, Snapshot and Restore from one goroutine.
type replica struct {
	machine  *fsm.Machine
	progress *progress
	waits    *waits
	events   *transport.EventLog
	metrics  *metrics.Metrics
	// configured is told each committed configuration. It must not block.
	configured func(raft.Configuration)
	// told is Config.OnApplied.
	told func(index, term uint64, entry []byte, applied fsm.Applied)
	// fatal is told why this machine must not go on.
	fatal func(error)

	halted error // set once; from then on nothing is run. Only Raft's machine goroutine touches it.
}

// errHalted is what a halted replica answers to Raft.
var errHalted = errors.New("this node's state machine was stopped, and runs nothing any more")

// Apply implements raft.FSM.
func (r *replica) Apply(log *raft.Log) any { return r.ApplyBatch([]*raft.Log{log})[0] }

// ApplyBatch implements raft.BatchingFSM. The response to a command is an fsm.Applied, or an error when the replica is halted.
func (r *replica) ApplyBatch(logs []*raft.Log) []any {
	responses := make([]any, len(logs))
	for i, log := range logs {
		switch {
		case r.halted != nil:
			responses[i] = errHalted
		case log.Type == raft.LogConfiguration:
			r.configured(raft.DecodeConfiguration(log.Data))
			r.progress.publish(log.Index, 0)
		case log.Type == raft.LogCommand:
			responses[i] = r.run(log)
		}
	}
	return responses
}

// run gives one entry to the machine and tells everybody who waits for it.
func (r *replica) run(log *raft.Log) any {
	start := time.Now()
	applied := r.machine.Apply(log.Index, log.Term, log.Data)
	if applied.Fatal != nil {
		r.halted = applied.Fatal
		r.fatal(applied.Fatal)
		return errHalted
	}
	r.metrics.Applied(len(applied.Replies), time.Since(start))
	r.told(log.Index, log.Term, log.Data, applied)
	r.progress.publish(applied.Index, applied.Now)
	r.waits.notice(applied.Events)
	r.events.Add(applied.Index, applied.Now, applied.Events)
	return applied
}

// Snapshot implements raft.FSM. It only takes a reference to the state; Persist writes it while Apply goes on.
func (r *replica) Snapshot() (raft.FSMSnapshot, error) {
	if r.halted != nil {
		return nil, errHalted
	}
	return persistent{r.machine.Snapshot()}, nil
}

// Restore implements raft.FSM.
func (r *replica) Restore(source io.ReadCloser) error {
	if r.halted != nil {
		return errHalted
	}
	if err := r.machine.Restore(source); err != nil {
		return fmt.Errorf("restore the state from a snapshot: %w", err)
	}
	r.progress.restart(r.machine.AppliedIndex(), r.machine.Now())
	r.waits.recheckAll()
	r.events.Restart(r.machine.AppliedIndex())
	return nil
}

// persistent writes a snapshot of the machine where Raft keeps it.
type persistent struct{ snapshot *fsm.Snapshot }

// Persist implements raft.FSMSnapshot.
func (p persistent) Persist(sink raft.SnapshotSink) error {
	if _, err := p.snapshot.WriteTo(sink); err != nil {
		return errors.Join(fmt.Errorf("write a snapshot: %w", err), sink.Cancel())
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (p persistent) Release() {}
