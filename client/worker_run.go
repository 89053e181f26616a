package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/coordd/coordd/ring"
	"github.com/coordd/coordd/transport/resp/wire"
)

// run serves one membership after another until the worker ends.
func (w *Worker) run() {
	defer close(w.done)
	defer w.router.Close()
	for {
		err := w.serve()
		w.loseAll(err)
		w.serving.Wait()
		if !w.mayRejoin(err) {
			w.err = err
			w.end(err)
			w.session.abandon(w.pool.client.ctx)
			return
		}
		// All work of the old membership has stopped, so it may be ended at once.
		if err := w.rejoin(Credentials{Session: w.session.id, Secret: w.session.secret}); err != nil {
			w.err = err
			w.end(err)
			return
		}
	}
}

// mayRejoin reports whether only the session was lost.
func (w *Worker) mayRejoin(err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lost *LostError
	return errors.As(err, &lost) && w.ctx.Err() == nil && w.parting == partingNot
}

// rejoin joins with a new session, as often as it takes, unless the worker is asked to leave meanwhile: it has nothing then.
func (w *Worker) rejoin(predecessor Credentials) error {
	ctx, giveUp := context.WithCancelCause(w.ctx)
	defer giveUp(nil)
	if !w.begins(giveUp) {
		return ErrLeft
	}
	defer w.begins(nil)
	for attempt := 1; ; attempt++ {
		err := w.enroll(ctx, predecessor)
		var changed *PoolChangedError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &changed):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case hasCode(err, "NOPOOL"):
			return &PoolChangedError{Pool: w.pool.name, Incarnation: w.router.Incarnation()}
		}
		if pause(ctx, attempt) != nil {
			return context.Cause(ctx)
		}
	}
}

// begins notes how joining again is given up, unless the worker has been asked to leave.
func (w *Worker) begins(giveUp context.CancelCauseFunc) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.giveUp = giveUp
	return w.parting == partingNot
}

func (w *Worker) loseAll(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.held {
		w.lose(h, cause)
	}
}

// serve keeps what the worker serves equal to what the cluster says, until the membership ends, and tells why it did.
func (w *Worker) serve() error {
	attempt := 0
	for {
		err := w.settle()
		switch {
		case w.ctx.Err() != nil:
			return context.Cause(w.ctx)
		case w.session.err() != nil:
			return w.session.err()
		case hasCode(err, "NOSESSION"):
			return w.session.lostByAnswer(err)
		case hasCode(err, "NOWORKER"):
			return w.membershipEnded(err)
		case hasCode(err, "NOPOOL"):
			return &PoolChangedError{Pool: w.pool.name, Incarnation: w.router.Incarnation()}
		case errors.Is(err, ErrLeft):
			return err
		case err != nil:
			attempt++
			_ = pause(w.session.ctx, attempt) // the loop sees why
			continue
		}
		attempt = 0
		w.await()
	}
}

// await waits until there may be something to do. What the cluster says is asked for now and then even if nothing was heard.
func (w *Worker) await() {
	timer := time.NewTimer(w.session.ttl)
	defer timer.Stop()
	select {
	case <-w.wake:
	case <-timer.C:
		w.mu.Lock()
		w.stale = true
		w.mu.Unlock()
	case <-w.session.ctx.Done():
	case <-w.ctx.Done():
	}
}

// settle does what there is to do: hand over what has stopped, end if that is wanted, and see what the cluster says.
func (w *Worker) settle() error {
	if err := w.acknowledge(); err != nil {
		return err
	}
	if err := w.depart(); err != nil {
		return err
	}
	w.mu.Lock()
	stale := w.stale
	w.stale = false
	w.mu.Unlock()
	if !stale {
		return nil
	}
	answer, err := w.pool.ask(w.session.ctx, w.words("POOL.ASSIGNMENT")...)
	if err == nil {
		err = w.obey(answer)
	}
	if err != nil {
		w.mu.Lock()
		w.stale = true
		w.mu.Unlock()
	}
	return err
}

// words begin a command of the worker's membership.
func (w *Worker) words(command string) []string {
	return []string{command, w.pool.name, w.config.ID, "SESSION", w.session.id, w.session.secret}
}

const maxReturns = 2 * 2048 // words of one acknowledgement; the cluster takes 4096 pairs

// acknowledge hands partitions over on which all work has stopped. Twice has the effect of once.
func (w *Worker) acknowledge() error {
	for {
		w.mu.Lock()
		returns := w.returns[:min(len(w.returns), maxReturns)]
		w.mu.Unlock()
		if len(returns) == 0 {
			return nil
		}
		if _, err := w.pool.ask(w.session.ctx, append(w.words("POOL.ACK"), returns...)...); err != nil {
			return err
		}
		w.mu.Lock()
		w.returns = w.returns[len(returns):]
		w.mu.Unlock()
	}
}

// depart ends the membership if that is wanted.
func (w *Worker) depart() error {
	w.mu.Lock()
	how, keep := w.parting, w.keep
	held := len(w.held)
	if how == partingAway {
		for _, h := range w.held {
			w.revoke(h)
		}
	}
	w.mu.Unlock()
	switch {
	case how == partingLeave && !w.leaving:
		if _, err := w.pool.ask(w.session.ctx, w.words("POOL.LEAVE")...); err != nil {
			return err
		}
		w.leaving = true
		w.mu.Lock()
		w.stale = true
		w.mu.Unlock()
	case how == partingAway && held == 0:
		if _, err := w.pool.ask(w.session.ctx, append(w.words("POOL.LEAVE"), "RESTART", milliseconds(keep))...); err != nil {
			return err
		}
		return ErrLeft
	}
	return nil
}

// obey makes the worker serve what an assignment says.
func (w *Worker) obey(answer wire.Value) error {
	f := mapOf(answer)
	pairs := f.list("owned")
	owned := make(map[int]uint64, len(pairs)/2)
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.text("epoch") != w.epoch || int(f.number("partitions")) != w.partitions || w.partitions > ring.MaxPartitions {
		return fmt.Errorf("pool %q: the assignment is of membership %s with %d partitions; this is %s with %d", w.pool.name, f.text("epoch"), f.number("partitions"), w.epoch, w.partitions)
	}
	for at := 0; at+1 < len(pairs); at += 2 {
		partition, _ := pairs[at].Int()
		token, _ := pairs[at+1].Int()
		if partition < 0 || partition >= int64(w.partitions) || token <= 0 {
			return fmt.Errorf("pool %q: an assignment of partition %d of %d with token %d makes no sense", w.pool.name, partition, w.partitions, token)
		}
		owned[int(partition)] = uint64(token)
	}
	for partition, h := range w.held {
		if token := owned[partition]; token != h.token {
			w.lose(h, &LostError{Session: w.session.id, Name: w.pool.name + "/" + strconv.Itoa(partition), Token: h.token, Reason: LossReassigned})
		}
	}
	for partition, token := range owned {
		if w.held[partition] == nil && token > w.released[partition] && w.parting != partingAway {
			w.assign(partition, token)
		}
	}
	for _, told := range f.list("draining") {
		if partition, _ := told.Int(); w.held[int(partition)] != nil {
			w.revoke(w.held[int(partition)])
		}
	}
	return nil
}

// membershipEnded tells why the session is no worker any more.
func (w *Worker) membershipEnded(err error) error {
	if w.leaving {
		return ErrLeft
	}
	displaced := &DisplacedError{Pool: w.pool.name, Worker: w.config.ID, cause: err}
	info, unknown := w.pool.Info(w.session.ctx)
	for _, other := range info.Workers {
		if unknown == nil && other.ID == w.config.ID && other.Session != w.session.id {
			displaced.By = other.Session
		}
	}
	return displaced
}
