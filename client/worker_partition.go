package client

import (
	"context"
	"slices"
	"strconv"
)

// phase is where a partition is on its way through a worker.
type phase int

const (
	phasePreparing phase = iota // the handler is being told that it is assigned
	phaseServing
	phaseEnding // nothing new is begun; the handler is told when what is under way has ended
)

// heldPartition is one ownership of a partition: by this worker, under one token. Its fields are guarded by the worker's mutex.
type heldPartition struct {
	number  int
	token   uint64
	ctx     context.Context
	end     context.CancelCauseFunc
	phase   phase
	revoked bool // it is to end as soon as it is prepared
	working int  // so many calls of Do are under way
	idle    chan struct{}
}

// serves reports whether work may begin.
func (h *heldPartition) serves() bool { return h.phase == phaseServing && h.ctx.Err() == nil }

// assign begins to serve a partition. It is called with mu held.
func (w *Worker) assign(partition int, token uint64) {
	h := &heldPartition{number: partition, token: token, idle: make(chan struct{})}
	h.ctx, h.end = context.WithCancelCause(w.session.ctx)
	w.held[partition] = h
	w.serving.Go(func() {
		w.handler.OnAssigned(h.ctx, partition, token)
		w.mu.Lock()
		h.phase = phaseServing
		if h.revoked {
			w.beginEnd(h)
		}
		w.mu.Unlock()
	})
}

// revoke lets a partition end in good order. It is called with mu held, and may be called again.
func (w *Worker) revoke(h *heldPartition) {
	h.revoked = true
	if h.phase == phaseServing {
		w.beginEnd(h)
	}
}

// lose ends a partition that is another's, or nobody's: the context first. It is called with mu held.
func (w *Worker) lose(h *heldPartition, cause error) {
	h.end(cause)
	w.revoke(h)
}

// beginEnd is called with mu held.
func (w *Worker) beginEnd(h *heldPartition) {
	h.phase = phaseEnding
	if h.working == 0 {
		close(h.idle)
	}
	w.serving.Go(func() {
		<-h.idle
		w.handler.OnRevoked(h.ctx, h.number, h.token)
		w.over(h)
	})
}

// over lets go of a partition on which all work has stopped. Its context ends before the cluster is told.
func (w *Worker) over(h *heldPartition) {
	lost := h.ctx.Err() != nil
	h.end(ErrHandedOver)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.held, h.number)
	switch {
	case lost:
		w.stale = true // it may have been granted anew meanwhile
	case w.parting != partingAway: // who restarts gives everything back at once
		w.released[h.number] = h.token
		w.returns = append(w.returns, strconv.Itoa(h.number), strconv.FormatUint(h.token, 10))
	}
	w.hurry()
}

// hear marks what the worker knows as old when a change of the table concerns it.
func (w *Worker) hear(update tableUpdate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	concerned := update.whole || update.staffed && !slices.ContainsFunc(update.members, func(m Member) bool { return m.ID == w.config.ID })
	for _, row := range update.changes {
		h := w.held[row.partition]
		mine := row.owner == w.config.ID
		switch {
		case h == nil:
			concerned = concerned || mine && row.token > w.released[row.partition]
		default:
			concerned = concerned || !mine || row.token != h.token || row.state == RouteDraining && !h.revoked
		}
	}
	if concerned {
		w.stale = true
		w.hurry()
	}
}
