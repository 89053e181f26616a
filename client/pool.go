package client

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Pool is a handle on a pool of partitions that workers share: each key is in one partition, and each partition has at most one owner. [Pool.Join] makes this process a worker, [Pool.Router]
// tells who owns a key. Pools have names of their own: pool "orders" and lock "orders" have nothing to do with each other.
type Pool struct {
	client *Client
	name   string
}

// Pool makes a handle; nothing is asked of the cluster yet.
func (c *Client) Pool(name string) *Pool { return &Pool{client: c, name: name} }

// Name is the pool's name.
func (p *Pool) Name() string { return p.name }

// ZoneRule says what zones of workers mean for a pool.
type ZoneRule string

// The rules.
const (
	ZonesIgnored ZoneRule = "ignored" // zones are told to routers and mean nothing else
	ZonesApart   ZoneRule = "apart"   // a partition's standbys are in other zones than its owner
	ZonesEven    ZoneRule = "even"    // each zone gets its share, and each worker its share of that
)

// PoolSettings are those of a pool. The zero value of every field means the cluster's default.
type PoolSettings struct {
	// Partitions is into how many parts the keys fall, 1 to 65536 (default 4096). It never changes: every key would be elsewhere. Twenty or more for each worker keep the shares within 5 % of each other.
	Partitions int

	// Zones is the rule for zones; default ZonesIgnored.
	Zones ZoneRule

	// Debounce is the quiet that a join waits for before anything moves for it, at most five times that in all; default 1 s. A negative one means none.
	Debounce time.Duration

	// Drain is how long handing over may take until it is shown as overdue; default 30 s. Nothing is taken away then.
	Drain time.Duration

	// Moves is how many partitions may be handed over at once; default the larger of 32 and a sixteenth of all.
	Moves int
}

func (s PoolSettings) words() (words []string) {
	if s.Partitions != 0 {
		words = append(words, "PARTITIONS", strconv.Itoa(s.Partitions))
	}
	if s.Zones != "" {
		words = append(words, "ZONES", string(s.Zones))
	}
	if s.Debounce != 0 {
		words = append(words, "DEBOUNCE", milliseconds(max(0, s.Debounce)))
	}
	if s.Drain != 0 {
		words = append(words, "DRAIN", milliseconds(s.Drain))
	}
	if s.Moves != 0 {
		words = append(words, "MOVES", strconv.Itoa(s.Moves))
	}
	return words
}

func milliseconds(span time.Duration) string { return strconv.FormatInt(span.Milliseconds(), 10) }

// Create makes the pool. When there is one with the same settings already it is no error, so every worker may begin with it; other settings are a [*ServerError] with code POOLEXISTS.
func (p *Pool) Create(ctx context.Context, settings PoolSettings) (PoolInfo, error) {
	answer, err := p.ask(ctx, append([]string{"POOL.CREATE", p.name}, settings.words()...)...)
	return poolInfoOf(answer), err
}

// Info tells the pool and its workers.
func (p *Pool) Info(ctx context.Context) (PoolInfo, error) {
	answer, err := p.ask(ctx, "POOL.INFO", p.name)
	return poolInfoOf(answer), err
}

// Delete removes the pool of that incarnation, which must have no workers; one that is gone already is no error. It takes an operator's rights.
func (p *Pool) Delete(ctx context.Context, incarnation string) error {
	_, err := p.ask(ctx, "POOL.DELETE", p.name, incarnation)
	return err
}

// Evict makes a worker hand over what it owns and leave. With now its partitions are given on at once: the worker may still believe in them, and only tokens protect what they write. It takes
// an operator's rights, and the reason is kept in the log.
func (p *Pool) Evict(ctx context.Context, worker, reason string, now bool) error {
	words := []string{"POOL.EVICT", p.name, worker, "REASON", reason}
	if now {
		words = append(words, "NOW")
	}
	_, err := p.ask(ctx, words...)
	return err
}

// ask sends a command about the pool. All of them have the same effect twice as once.
func (p *Pool) ask(ctx context.Context, words ...string) (wire.Value, error) {
	answer, _, err := p.client.request(ctx, p.client.repeated(), words...)
	if err != nil {
		return wire.Value{}, fmt.Errorf("pool %q: %w", p.name, err)
	}
	return answer, nil
}

// PoolInfo is a pool at one moment.
type PoolInfo struct {
	Name        string
	Incarnation string // a pool deleted and made anew has another
	Partitions  int
	Version     int64 // grows with every change
	Settings    PoolSettings
	Owned       int // partitions that have an owner, those that are handed over included
	Draining    int // that are handed over now
	Free        int // that nobody owns
	Waiting     int // that are to be handed over when their turn comes
	Overdue     int // that have been handed over for longer than Settings.Drain
	Workers     []WorkerInfo
}

// Settled reports whether every partition has the owner that it should have.
func (i PoolInfo) Settled() bool {
	return i.Owned == i.Partitions && i.Draining == 0 && i.Waiting == 0
}

// WorkerInfo is a worker of a pool as operators see it.
type WorkerInfo struct {
	ID, Zone, Address string
	Session           string // empty while its place is kept
	Epoch             string // the join that made this membership
	State             string // "active", "leaving", or "reserved": it is away, and its place is kept
	Weight            int
	Owned             int // partitions it owns
	Draining          int // of these, those it is to hand over
	Target            int // partitions it should own
}

func poolInfoOf(answer wire.Value) PoolInfo {
	f := mapOf(answer)
	info := PoolInfo{Name: f.text("name"), Incarnation: f.text("incarnation"), Partitions: int(f.number("partitions")), Version: f.number("version"), Owned: int(f.number("owned")),
		Draining: int(f.number("draining")), Free: int(f.number("free")), Waiting: int(f.number("waiting")), Overdue: int(f.number("overdue"))}
	info.Settings = PoolSettings{Partitions: info.Partitions, Zones: ZoneRule(f.text("zones")), Debounce: f.span("debounce_ms"), Drain: f.span("drain_ms"), Moves: int(f.number("moves"))}
	for _, one := range f.list("workers") {
		w := mapOf(one)
		info.Workers = append(info.Workers, WorkerInfo{ID: w.text("worker"), Zone: w.text("zone"), Address: w.text("address"), Session: w.text("session"), Epoch: w.text("epoch"), State: w.text("state"),
			Weight: int(w.number("weight")), Owned: int(w.number("owned")), Draining: int(w.number("draining")), Target: int(w.number("target"))})
	}
	return info
}
