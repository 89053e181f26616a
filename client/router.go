package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/ring"
)

// Router tells who owns a key. It keeps the pool's whole table in memory and is told every change, over a connection of its own; a lookup asks nobody, takes no lock and allocates nothing.
//
// What it tells may be old by the time that news takes, or older while the cluster cannot be reached. That breaks nothing: a worker refuses what it does not own, and [Router.Do] then looks again.
//
// A router belongs to one pool for ever: when that is deleted, or another one of its name or another cluster answers, it does not mix their tables. It then ends with a
// [*PoolChangedError], or goes on looking for its own cluster.
type Router struct {
	pool   *Pool
	told   func(tableUpdate) // if set, called after each update, by the goroutine that follows
	table  atomic.Pointer[routes]
	nudged chan struct{} // room for one: the table is wanted now
	ctx    context.Context
	end    context.CancelCauseFunc
	done   chan struct{}

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each version
	cluster string        // its id
}

// Router reads the pool's table and follows it until [Router.Close]; the context bounds only the first reading.
func (p *Pool) Router(ctx context.Context) (*Router, error) { return p.router(ctx, nil) }

func (p *Pool) router(ctx context.Context, told func(tableUpdate)) (*Router, error) {
	r := &Router{pool: p, told: told, nudged: make(chan struct{}, 1), done: make(chan struct{}), changed: make(chan struct{})}
	r.ctx, r.end = context.WithCancelCause(p.client.ctx)
	if !p.client.work(r.run) {
		r.end(ErrClosed)
		return nil, ErrClosed
	}
	for r.table.Load() == nil {
		changed := r.change()
		if r.table.Load() != nil {
			break
		}
		select {
		case <-changed:
		case <-r.done:
			return nil, r.Err()
		case <-ctx.Done():
			r.Close()
			return nil, fmt.Errorf("reading the table of pool %q: %w", p.name, context.Cause(ctx))
		}
	}
	return r, nil
}

// Close ends the following; lookups go on answering from the last table.
func (r *Router) Close() {
	r.end(ErrClosed)
	<-r.done
}

// Done is closed when the router does not follow any more, and [Router.Err] tells why.
func (r *Router) Done() <-chan struct{} { return r.done }

// Err is nil while the router follows.
func (r *Router) Err() error { return context.Cause(r.ctx) }

// Partition is the partition of a key.
func (r *Router) Partition(key string) int { return ring.Partition(key, len(r.table.Load().owners)) }

// Partitions is how many the pool has; it never changes.
func (r *Router) Partitions() int { return len(r.table.Load().owners) }

// Incarnation names the pool that the router was made for, as no other pool is named. It goes along with each request to a worker.
func (r *Router) Incarnation() string { return r.table.Load().incarnation }

// Version is that of the present table.
func (r *Router) Version() int64 { return r.table.Load().version }

// Lookup tells who owns a key.
func (r *Router) Lookup(key string) Route {
	table := r.table.Load()
	return table.route(ring.Partition(key, len(table.owners)))
}

// At tells who owns a partition, which must be 0 to Partitions()-1.
func (r *Router) At(partition int) Route { return r.table.Load().route(partition) }

// Members are the workers of the pool, in the order of their ids.
func (r *Router) Members() []Member {
	table := r.table.Load()
	return slices.Clone(table.members[:table.roster])
}

// change is closed with the next version.
func (r *Router) change() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// nudge asks for the table now, in case that news is late.
func (r *Router) nudge() {
	select {
	case r.nudged <- struct{}{}:
	default:
	}
}

// Await waits until the table is of a version or a later one, as a worker's refusal tells it.
func (r *Router) Await(ctx context.Context, version int64) error {
	for {
		changed := r.change()
		if r.Version() >= version {
			return nil
		}
		r.nudge()
		if err := r.pauseUntil(ctx, changed, time.Second); err != nil {
			return err
		}
	}
}

// pauseUntil waits for a change, but only so long.
func (r *Router) pauseUntil(ctx context.Context, changed <-chan struct{}, span time.Duration) error {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-r.done:
		return r.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

const (
	// routePatience bounds Do for contexts without an end.
	routePatience = 30 * time.Second
	// handOverPause is how long Do waits for news after a refusal that its table does not explain, before it asks the same worker again.
	handOverPause = 50 * time.Millisecond
)

// ErrNoOwner says that nobody came to own the key's partition, or who owned it refused, for as long as the caller waited.
var ErrNoOwner = errors.New("no worker serves the key")

// Do calls send with the worker that owns the key. When that answers with a [*NotOwnerError], the router catches up and calls send again; when nobody owns the key it waits. It does so until the
// context ends, at most half a minute, and then returns ErrNoOwner with the last refusal. Any other error of send is returned as it is: whether to repeat that is the caller's to know.
func (r *Router) Do(ctx context.Context, key string, send func(ctx context.Context, to Route) error) error {
	limited, cancel := context.WithTimeout(ctx, routePatience)
	defer cancel()
	for refusals := error(nil); ; {
		changed := r.change()
		route := r.Lookup(key)
		wait := time.Second
		if route.Owner.ID != "" {
			err := send(ctx, route)
			var refused *NotOwnerError
			if !errors.As(err, &refused) {
				return err
			}
			if refused.Asked != "" {
				r.nudge() // which finds out that the pool is another one
				return err
			}
			refusals, wait = err, handOverPause
			if refused.Version > route.Version {
				changed = r.change()
				if r.Version() >= refused.Version {
					continue
				}
			}
		}
		r.nudge()
		if err := r.pauseUntil(limited, changed, wait); err != nil {
			return errors.Join(fmt.Errorf("%w: partition %d of pool %q: %w", ErrNoOwner, route.Partition, r.pool.name, err), refusals)
		}
	}
}
