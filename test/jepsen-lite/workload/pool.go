package workload

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
)

// The operations of a worker pool in a history. Key is a partition, Holder a worker's id.
const (
	OpJoin     = "join"
	OpPart     = "part"     // ends a membership; Value says how: leave, close or restart
	OpWrite    = "write"    // to what a partition protects, under its token. Sent is an instant at which the worker owned it, by its own session, 0 if its clock was outside of what is promised; fail: the token was refused
	OpAssigned = "assigned" // a note: the worker is told that it owns a partition
	OpRevoked  = "revoked"  // a note: it stops. Until is the last instant at which it was sure that it owned it, by its own session; 0 if it never looked
	OpRouted   = "routed"   // a note: a router, Holder, says that ID owns the partition with Token, by version Number of its table
	OpEnded    = "ended"    // a note: a worker ended although nobody had asked it to
)

const (
	// PoolName is the pool of a run.
	PoolName = "pool/0"
	// PoolPartitions is how many partitions it has.
	PoolPartitions = 64

	// staticWorker is an id under which only one process at a time can be a worker: the next one gets what it had.
	staticWorker = "pool/static"

	poolDebounce   = 200 * time.Millisecond
	membershipSpan = 3 * time.Second
	routerSpan     = 3 * time.Second
)

// PoolKey is how a history, and the store, call a partition.
func PoolKey(partition int) string { return "pool/" + strconv.Itoa(partition) }

// PoolPartition is the partition that a key stands for; ok is false for another key.
func PoolPartition(key string) (partition int, ok bool) {
	number, found := strings.CutPrefix(key, "pool/")
	partition, err := strconv.Atoi(number)
	return partition, found && err == nil
}

// poolActor looks owners up, or is a worker: one under an id of its process, and one under an id that all processes want.
func poolActor(ctx context.Context, a *Actor) {
	switch a.number {
	case 0:
		a.lookUpOwners(ctx)
	case 1:
		a.workAs(ctx, fmt.Sprintf("pool/%s", a.Process), 0)
	default:
		a.workAs(ctx, staticWorker, a.TTL)
	}
}

// lookUpOwners asks one router after the other.
func (a *Actor) lookUpOwners(ctx context.Context) {
	for ctx.Err() == nil {
		limit, cancel := context.WithTimeout(ctx, a.patience())
		router, err := a.Cluster.Pool(PoolName).Router(limit)
		cancel()
		if err != nil {
			a.rest(ctx, 100*time.Millisecond)
			continue
		}
		a.follow(ctx, router)
		router.Close()
	}
}

func (a *Actor) follow(ctx context.Context, router *client.Router) {
	stream, end := a.unique(), history.Now()+int64(routerSpan)
	for ctx.Err() == nil && router.Err() == nil && history.Now() < end {
		partition := a.Random.IntN(PoolPartitions)
		route := router.At(partition)
		a.Record.Note(history.Event{Op: OpRouted, Key: PoolKey(partition), Holder: stream, ID: route.Owner.ID, Token: int64(route.Token), Number: route.Version})
		a.rest(ctx, 60*time.Millisecond)
	}
}

// workAs is one membership after the other under an id.
func (a *Actor) workAs(ctx context.Context, id string, grace time.Duration) {
	var late sync.WaitGroup
	defer late.Wait()
	told := history.NewRecorder(a.Writer, a.Record.Name()+"/told", a.workload)
	for ctx.Err() == nil {
		m := &membership{actor: a, ctx: ctx, id: id, told: told, late: &late, owned: map[int]*ownership{}}
		if !m.join(ctx, grace) {
			a.rest(ctx, 100*time.Millisecond)
			continue
		}
		m.work(ctx)
		m.part(ctx)
		a.rest(ctx, 200*time.Millisecond)
	}
}

// membership is a worker from its join to its end. It is the worker's handler.
type membership struct {
	actor  *Actor
	ctx    context.Context // of the actor
	id     string
	worker *client.Worker
	keys   []string // one in each partition
	late   *sync.WaitGroup

	mu    sync.Mutex
	told  *history.Recorder // partitions are assigned and revoked side by side
	owned map[int]*ownership
}

// ownership is one partition under one token. Calls of Do do not overlap, and revoking waits for them.
type ownership struct {
	token int64
	value string // what the store has, unless another has written
	known bool
	sure  int64 // when the worker last was sure that it owns it, by a clock that is as promised
}

// join makes the pool, if nobody has, and joins. An id that lives elsewhere is waited for.
func (m *membership) join(ctx context.Context, grace time.Duration) bool {
	a := m.actor
	limit, cancel := context.WithTimeout(ctx, a.patience()) // ends with the actor, since an id may be in use for long
	defer cancel()
	pool := a.Cluster.Pool(PoolName)
	if _, err := pool.Create(limit, client.PoolSettings{Partitions: PoolPartitions, Debounce: poolDebounce}); err != nil {
		return false
	}
	op := a.Record.Invoke(history.Event{Op: OpJoin, Key: PoolName, Holder: m.id})
	var err error
	m.worker, err = pool.Join(limit, client.WorkerConfig{ID: m.id, Grace: grace, Session: client.SessionOptions{TTL: a.TTL}}, m)
	a.Record.End(op, outcome(err), err)
	if err != nil {
		return false
	}
	m.keys = keysOf(m.worker.Partition)
	return true
}

// keysOf finds a key for each partition.
func keysOf(place func(string) int) []string {
	keys := make([]string, PoolPartitions)
	for i, missing := 0, PoolPartitions; missing > 0; i++ {
		key := "key-" + strconv.Itoa(i)
		if p := place(key); keys[p] == "" {
			keys[p] = key
			missing--
		}
	}
	return keys
}

// work writes to the partitions that the worker owns, one after the other, for a while.
func (m *membership) work(ctx context.Context) {
	over := time.NewTimer(m.actor.span(membershipSpan))
	defer over.Stop()
	for next := 0; ; next++ {
		select {
		case <-over.C:
			return
		case <-ctx.Done():
			return
		case <-m.worker.Done():
			m.tell(history.Event{Op: OpEnded, Key: PoolName, Error: fmt.Sprint(m.worker.Err())})
			return
		default:
		}
		switch partition := next % PoolPartitions; {
		case m.change(ctx, partition):
			m.lookAtAll()
			m.actor.rest(ctx, 40*time.Millisecond)
		case partition == 0:
			m.actor.rest(ctx, 20*time.Millisecond) // it may own nothing
		}
	}
}

// lookAtAll notes of which partitions the worker is sure.
func (m *membership) lookAtAll() {
	for partition := range PoolPartitions {
		m.do(partition, func(*ownership, int64) {})
	}
}

// do works for a partition, if the worker owns it. At the instant that work is given the worker owned it: the instant is taken before its session is asked whether it lives. It is 0 while the
// worker's clock is outside of what is promised: it may then be sure for too long, and tokens must be enough.
func (m *membership) do(partition int, work func(held *ownership, sure int64)) (owned bool) {
	m.mu.Lock()
	held := m.owned[partition]
	m.mu.Unlock()
	if held == nil {
		return false
	}
	sure := history.Now()
	if _, doubtful := m.actor.Clock.Until(sure, 0); doubtful {
		sure = 0
	}
	_ = m.worker.Do(context.Background(), m.keys[partition], func(_ context.Context, token uint64) error { // or it was revoked meanwhile
		if int64(token) == held.token {
			held.sure, owned = max(held.sure, sure), true
			work(held, sure)
		}
		return nil
	})
	return owned
}

// change thinks and writes, if the worker owns the partition. It is careless on purpose, as fencedActor is: whether the partition is still its own is not looked at again before the write.
func (m *membership) change(ctx context.Context, partition int) (owned bool) {
	a := m.actor
	return m.do(partition, func(held *ownership, sure int64) {
		if !held.known && !m.read(partition, held) {
			return
		}
		a.rest(ctx, 10*time.Millisecond)
		op := a.Record.Invoke(history.Event{Op: OpWrite, Key: PoolKey(partition), Holder: m.id, Token: held.token, Value: a.unique(), Sent: sure})
		accepted, err := m.write(partition, held, op.Value)
		if how := outcome(err); err == nil && !accepted {
			a.Record.End(op, history.Fail, nil)
		} else {
			a.Record.End(op, how, err)
		}
	})
}

// read shuts every earlier owner out of the store, and tells what the next write rests on.
func (m *membership) read(partition int, held *ownership) bool {
	limit, cancel := m.actor.limited()
	defer cancel()
	answer, err := m.actor.Store.Do(limit, store.Request{Process: m.id, Key: PoolKey(partition), Token: held.token})
	held.value, held.known = answer.Value, err == nil && answer.Accepted
	return held.known
}

func (m *membership) write(partition int, held *ownership, value string) (accepted bool, err error) {
	limit, cancel := context.WithTimeout(context.Background(), time.Minute) // the process may be stopped in between
	defer cancel()
	answer, err := m.actor.Store.Do(limit, store.Request{Process: m.id, Key: PoolKey(partition), Token: held.token, Write: true, Base: held.value, Value: value})
	held.value, held.known = value, err == nil && answer.Accepted
	return answer.Accepted, err
}

// OnAssigned implements client.PoolHandler.
func (m *membership) OnAssigned(_ context.Context, partition int, token uint64) {
	held := &ownership{token: int64(token)}
	m.tell(history.Event{At: history.Now(), Op: OpAssigned, Key: PoolKey(partition), Token: held.token})
	m.read(partition, held)
	m.mu.Lock()
	m.owned[partition] = held
	m.mu.Unlock()
}

// OnRevoked implements client.PoolHandler. Of some partitions a write is on its way for long: whoever owns them by then must not be disturbed.
func (m *membership) OnRevoked(_ context.Context, partition int, _ uint64) {
	m.mu.Lock()
	held := m.owned[partition]
	delete(m.owned, partition)
	m.mu.Unlock()
	m.tell(history.Event{Op: OpRevoked, Key: PoolKey(partition), Token: held.token, Until: held.sure})
	if partition%lateEach == 0 && held.known {
		m.late.Go(func() { m.writeLate(partition, held) })
	}
}

// lateEach is of how many partitions one gets late writes.
const lateEach = 4

func (m *membership) writeLate(partition int, held *ownership) {
	timer := time.NewTimer(m.actor.TTL * time.Duration(partition) / PoolPartitions)
	defer timer.Stop()
	select {
	case <-timer.C:
		_, _ = m.write(partition, held, fmt.Sprintf("%s/late/%d/%d", m.id, partition, held.token)) // the store writes down what it did
	case <-m.ctx.Done():
	}
}

func (m *membership) tell(note history.Event) {
	note.Holder = m.id
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told.Note(note)
}

// part ends the membership: partition by partition, at once, or for a restart, over which the place is kept.
func (m *membership) part(ctx context.Context) {
	a := m.actor
	how := []string{"leave", "close", "restart"}[a.Random.IntN(3)]
	if ctx.Err() != nil {
		how = "close"
	}
	op := a.Record.Invoke(history.Event{Op: OpPart, Key: PoolName, Holder: m.id, Value: how})
	limit, cancel := a.limited()
	defer cancel()
	var err error
	switch how {
	case "leave":
		err = m.worker.Leave(limit)
	case "restart":
		err = m.worker.Restart(limit, a.TTL)
	default:
		err = m.worker.Close(limit)
	}
	a.Record.End(op, outcome(err), err)
	again, stop := a.limited()
	defer stop()
	_ = m.worker.Close(again) // without effect if it has ended
}
