package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/coordd/coordd/ring"
	"github.com/coordd/coordd/transport/resp/wire"
)

// WorkerConfig says who joins a pool. Only ID is needed.
type WorkerConfig struct {
	// ID is 1 to 128 bytes. A worker that comes back under the id that it had gets the partitions that it had, if its place was kept: see Grace and [Worker.Restart].
	ID string

	// Weight is how much of the pool the worker wants, compared with the others; 1 to 1048576, default 1.
	Weight int

	// Zone and Address are told to routers; Zone may decide over placement ([ZoneRule]).
	Zone, Address string

	// Grace is how long the place is kept when the session ends without a word, as by a crash; at most 10 minutes. Nobody serves its partitions meanwhile. The default 0 gives them to others at once.
	Grace time.Duration

	// Session says with what session to join: its TTL is how long the partitions of a process that died stay without an owner. Each membership opens one of its own.
	Session SessionOptions

	// Gossip lets the worker take part in the gossip of the cluster's nodes, which makes their leader look at its session sooner when the process has died. Only a session that agreed ends by that
	// before its TTL, see [SessionOptions.EarlyEnd]. Each worker has one of its own, and whoever made it ends it.
	Gossip WorkerGossip

	// Takeover ends the membership of an earlier process under the same id, with the Credentials that it left behind, instead of waiting for the end of its session. That process must be
	// dead: otherwise it may believe in its partitions until its next keepalive, and only tokens protect what it writes.
	Takeover Credentials
}

// Credentials prove that a worker is the successor of another. They are as secret as a password.
type Credentials struct{ Session, Secret string }

// PoolHandler is told which partitions its worker serves. The calls for one partition come one after another, those for several at the same time.
type PoolHandler interface {
	// OnAssigned prepares to serve a partition: [Worker.Do] serves its keys when it has returned. The context ends, with a cause, before anybody else can own the partition; everything
	// that is done for it stops with it. The token grows with each owner: it is to be sent along with all that is written.
	OnAssigned(ctx context.Context, partition int, token uint64)

	// OnRevoked ends the serving of a partition, and returns when everything that is done for it has stopped: then it is handed over. It is called when no [Worker.Do] is under way in it any more. When
	// the context has ended, the partition is lost and may be another's already.
	OnRevoked(ctx context.Context, partition int, token uint64)
}

// Worker is this process as a member of a pool. It serves partitions from [Pool.Join] until [Worker.Leave], [Worker.Restart] or [Worker.Close]. When its session is lost, its partitions are, and it joins
// again by itself.
type Worker struct {
	pool    *Pool
	config  WorkerConfig
	handler PoolHandler
	router  *Router
	ctx     context.Context
	end     context.CancelCauseFunc // with why the worker ends
	done    chan struct{}
	wake    chan struct{} // room for one
	serving sync.WaitGroup

	mu         sync.Mutex
	session    *Session
	epoch      string
	partitions int
	held       map[int]*heldPartition
	released   map[int]uint64 // the last token under which each was handed over: what an answer on its way still tells of it is old
	returns    []string       // partition, token, partition, token … to be acknowledged
	stale      bool           // what the worker owns is to be asked for
	parting    parting
	giveUp     context.CancelCauseFunc // of joining again, while that is tried
	keep       time.Duration           // of parting, for a restart
	leaving    bool                    // the cluster has been told; only the worker's goroutine looks at it
	err        error                   // set before done is closed
}

// parting is how a worker wants to end.
type parting int

const (
	partingNot   parting = iota
	partingLeave         // hand over partition by partition
	partingAway          // stop everything, then free it at once and keep the place
)

// Join makes this process a worker of the pool. It waits while the id is in use by a session that lives, until the context ends; the error is then a [*WorkerBusyError] too. The handler may be nil for
// a worker that only serves through [Worker.Do].
func (p *Pool) Join(ctx context.Context, config WorkerConfig, handler PoolHandler) (*Worker, error) {
	setDefault(&config.Weight, 1)
	setDefault(&config.Session.Name, config.ID)
	if handler == nil {
		handler = noHandler{}
	}
	w := &Worker{pool: p, config: config, handler: handler, done: make(chan struct{}), wake: make(chan struct{}, 1), held: map[int]*heldPartition{}, released: map[int]uint64{}}
	w.ctx, w.end = context.WithCancelCause(p.client.ctx)
	var err error
	if w.router, err = p.router(ctx, w.hear); err == nil {
		err = w.enroll(ctx, config.Takeover)
		if err != nil {
			w.router.Close()
		}
	}
	if err == nil && !p.client.work(w.run) {
		w.router.Close()
		err = ErrClosed
	}
	if err != nil {
		w.end(err)
		return nil, err
	}
	return w, nil
}

type noHandler struct{}

// OnAssigned implements PoolHandler.
func (noHandler) OnAssigned(context.Context, int, uint64) {}

// OnRevoked implements PoolHandler.
func (noHandler) OnRevoked(context.Context, int, uint64) {}

// ID is the worker's id.
func (w *Worker) ID() string { return w.config.ID }

// Router is a router of the worker's pool, which ends with the worker.
func (w *Worker) Router() *Router { return w.router }

// Credentials are those of the present membership, for [WorkerConfig.Takeover] by a process that comes after this one.
func (w *Worker) Credentials() Credentials {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Credentials{Session: w.session.id, Secret: w.session.secret}
}

// Done is closed when the worker has ended: it serves nothing, and its handler has returned from everything.
func (w *Worker) Done() <-chan struct{} { return w.done }

// Err is why the worker ended: [ErrLeft], [ErrClosed], a [*DisplacedError] or a [*PoolChangedError]. It is nil before.
func (w *Worker) Err() error {
	select {
	case <-w.done:
		return w.err
	default:
		return nil
	}
}

// enroll opens a session and joins with it, once its id is free.
func (w *Worker) enroll(ctx context.Context, predecessor Credentials) error {
	var heard func(context.Context) bool
	if w.config.Gossip != nil {
		heard = w.config.Gossip.Heard
	}
	session, err := w.pool.client.openSession(ctx, w.config.Session, heard)
	if err != nil {
		return fmt.Errorf("worker %q of pool %q: %w", w.config.ID, w.pool.name, err)
	}
	if w.config.Gossip != nil {
		if err := w.config.Gossip.Present(w.pool.name, w.config.ID, session.id); err != nil {
			session.abandon(ctx)
			return fmt.Errorf("worker %q of pool %q: %w", w.config.ID, w.pool.name, err)
		}
	}
	answer, err := w.join(ctx, session, predecessor)
	if err != nil {
		w.pool.client.work(func() { session.abandon(w.pool.client.ctx) })
		return err
	}
	f := mapOf(answer)
	if incarnation := f.text("incarnation"); incarnation != w.router.Incarnation() {
		session.abandon(ctx)
		return &PoolChangedError{Pool: w.pool.name, Incarnation: w.router.Incarnation(), Found: incarnation}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.session, w.epoch, w.partitions = session, f.text("epoch"), int(f.number("partitions"))
	w.stale, w.returns = true, nil
	return nil
}

// abandon closes a session that is of no use, as well as that can be done now; otherwise it ends with its TTL.
func (s *Session) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.client.options.AttemptTimeout)
	defer cancel()
	_ = s.Close(ctx)
}

const maxBusyPause = 500 * time.Millisecond

func (w *Worker) join(ctx context.Context, session *Session, predecessor Credentials) (wire.Value, error) {
	words := []string{"POOL.JOIN", w.pool.name, w.config.ID, "SESSION", session.id, session.secret, "WEIGHT", strconv.Itoa(w.config.Weight)}
	if w.config.Zone != "" {
		words = append(words, "ZONE", w.config.Zone)
	}
	if w.config.Address != "" {
		words = append(words, "ADDRESS", w.config.Address)
	}
	if w.config.Grace > 0 {
		words = append(words, "GRACE", milliseconds(w.config.Grace))
	}
	if predecessor != (Credentials{}) {
		words = append(words, "TAKEOVER", predecessor.Session, predecessor.Secret)
	}
	for {
		answer, err := w.pool.ask(ctx, words...)
		if !hasCode(err, "WORKERBUSY") {
			return answer, err
		}
		busy := &WorkerBusyError{Pool: w.pool.name, Worker: w.config.ID, Remaining: detailsOf(err).span("remaining_ms"), cause: err}
		limit := min(busy.Remaining, maxBusyPause)
		if cause := wait(ctx, limit/2+rand.N(limit/2+1)); cause != nil {
			return answer, errors.Join(busy, cause)
		}
		if ended := session.err(); ended != nil {
			return answer, errors.Join(busy, ended)
		}
	}
}

// Leave hands everything over, partition by partition, and ends the worker; nobody else has to wait for anything. When the context ends before that is done, the worker goes on with it;
// [Worker.Close] makes an end.
func (w *Worker) Leave(ctx context.Context) error { return w.part(ctx, partingLeave, 0) }

// Restart ends the worker for a restart: when its handler has stopped everything, its place is kept for so long, at most 10 minutes, and whoever joins under its id until then gets what it had. Nothing
// moves, and nobody serves its partitions meanwhile.
func (w *Worker) Restart(ctx context.Context, keep time.Duration) error {
	return w.part(ctx, partingAway, max(keep, time.Millisecond))
}

func (w *Worker) part(ctx context.Context, how parting, keep time.Duration) error {
	w.mu.Lock()
	if w.parting == partingNot {
		w.parting, w.keep = how, keep
	}
	if w.giveUp != nil {
		w.giveUp(ErrLeft) // it has nothing to hand over
	}
	w.mu.Unlock()
	w.hurry()
	select {
	case <-w.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if errors.Is(w.err, ErrLeft) {
		return nil
	}
	return w.err
}

// Close ends the worker at once. The contexts of its partitions end; when the handler has returned from everything, the session is closed, and the partitions go to others, or wait for
// WorkerConfig.Grace.
func (w *Worker) Close(ctx context.Context) error {
	w.end(ErrClosed)
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hurry lets the worker's goroutine look again.
func (w *Worker) hurry() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Partition is the partition of a key.
func (w *Worker) Partition(key string) int { return ring.Partition(key, w.router.Partitions()) }

// Owned are the partitions that the worker serves now, with their tokens.
func (w *Worker) Owned() map[int]uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	owned := map[int]uint64{}
	for partition, h := range w.held {
		if h.serves() {
			owned[partition] = h.token
		}
	}
	return owned
}

// Do runs work for a key, if the worker serves it, and otherwise returns a [*NotOwnerError] at once. The work's context ends before anybody else can own the key's partition. A partition is not handed over
// before all its work has returned. Work whose partition was lost meanwhile has an error that is joined with a [*LostError].
func (w *Worker) Do(ctx context.Context, key string, work func(ctx context.Context, token uint64) error) error {
	partition := w.Partition(key)
	h, err := w.enter(partition)
	if err != nil {
		return err
	}
	defer w.exit(h)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.ctx, func() { cancel(context.Cause(h.ctx)) })()
	err = work(ctx, h.token)
	if lost := context.Cause(h.ctx); lost != nil {
		return errors.Join(err, lost)
	}
	return err
}

// DoFor is Do for a request that a router sent on behalf of the pool of an incarnation: a request for another one is refused, because there the key may belong elsewhere.
func (w *Worker) DoFor(ctx context.Context, incarnation, key string, work func(ctx context.Context, token uint64) error) error {
	if own := w.router.Incarnation(); incarnation != own {
		return &NotOwnerError{Pool: w.pool.name, Incarnation: own, Worker: w.config.ID, Asked: incarnation}
	}
	return w.Do(ctx, key, work)
}

func (w *Worker) enter(partition int) (*heldPartition, error) {
	w.mu.Lock()
	h := w.held[partition]
	if h != nil && h.serves() && w.session.err() == nil {
		h.working++
		w.mu.Unlock()
		return h, nil
	}
	w.mu.Unlock()
	route := w.router.At(partition)
	return nil, &NotOwnerError{Pool: w.pool.name, Incarnation: route.Incarnation, Worker: w.config.ID, Partition: partition, Version: route.Version, Owner: route.Owner.ID,
		Address: route.Owner.Address, Token: route.Token}
}

func (w *Worker) exit(h *heldPartition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h.working--
	if h.working == 0 && h.phase == phaseEnding {
		close(h.idle)
	}
}
