package fsm

import (
	"cmp"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/canonical"
	"github.com/coordd/coordd/ring"
)

// poolTables are the tables of worker pools. What should be (targets) and what is (partitions) are apart: only hand-over makes one the other.
type poolTables struct {
	pools       *table[string, poolRecord]
	targets     *table[string, targetRecord]
	workers     *table[workerKey, workerRecord]
	partitions  *table[chunkKey, chunkRecord]
	memberships *table[membershipKey, none] // by session
	pins        *table[pinKey, string]
	poolsWait   *table[string, none] // pools with grants that wait for the next entry
}

func newPoolTables(j *journal) poolTables {
	return poolTables{
		pools: newTable(j, 24, strings.Compare, func(c *canonical.Coder, k *string, v *poolRecord) {
			c.Text(k)
			codePoolRecord(c, v)
		}),
		targets: newTable(j, 25, strings.Compare, func(c *canonical.Coder, k *string, v *targetRecord) {
			c.Text(k)
			codeTargetRecord(c, v)
		}),
		workers: newTable(j, 26, compareWorkers, func(c *canonical.Coder, k *workerKey, v *workerRecord) {
			c.Text(&k.pool)
			c.Text(&k.worker)
			codeWorkerRecord(c, v)
		}),
		partitions: newTable(j, 27, compareChunks, func(c *canonical.Coder, k *chunkKey, v *chunkRecord) {
			c.Text(&k.pool)
			c.Uint32(&k.chunk)
			canonical.List(c, &v.parts, codePartRecord)
		}),
		memberships: newTable(j, 28, compareMemberships, func(c *canonical.Coder, k *membershipKey, _ *none) {
			codePosition(c, &k.session)
			c.Text(&k.pool)
			c.Text(&k.worker)
		}),
		pins: newTable(j, 29, comparePins, func(c *canonical.Coder, k *pinKey, v *string) {
			c.Text(&k.pool)
			c.Uint32(&k.partition)
			c.Text(v)
		}),
		poolsWait: newTable(j, 30, strings.Compare, func(c *canonical.Coder, k *string, _ *none) { c.Text(k) }),
	}
}

func (t *poolTables) list() []anyTable {
	return []anyTable{t.pools, t.targets, t.workers, t.partitions, t.memberships, t.pins, t.poolsWait}
}

// poolRecord is one pool.
type poolRecord struct {
	incarnation command.Position // the command that made it
	partitions  uint32
	settings    command.PoolSettings
	version     uint64          // grows whenever anything of the pool changes
	staffed     uint64          // the version at which its workers changed last
	changing    command.Instant // since when a change waits for quiet; 0: none does
	due         command.Instant // when it waits no longer
}

func codePoolRecord(c *canonical.Coder, r *poolRecord) {
	codePosition(c, &r.incarnation)
	c.Uint32(&r.partitions)
	c.Byte(&r.settings.Zones, byte(ring.ZonesEven))
	c.Int(&r.settings.Debounce)
	c.Int(&r.settings.Drain)
	c.Uint32(&r.settings.Moves)
	c.Uint(&r.version)
	c.Uint(&r.staffed)
	c.Int((*int64)(&r.changing))
	c.Int((*int64)(&r.due))
}

// targetRecord is who should own what. A ring.Table never changes, so rows and snapshots may share it.
type targetRecord struct{ table *ring.Table }

func codeTargetRecord(c *canonical.Coder, r *targetRecord) {
	var data []byte
	if c.Writing {
		data, _ = r.table.AppendBinary(nil)
	}
	c.Data(&data)
	if c.Writing || c.Failed {
		return
	}
	table, err := ring.Decode(data)
	if err != nil {
		c.Fail()
		table = nil
	}
	r.table = table
}

// workerKey names a worker of a pool.
type workerKey struct{ pool, worker string }

func compareWorkers(a, b workerKey) int {
	return cmp.Or(strings.Compare(a.pool, b.pool), strings.Compare(a.worker, b.worker))
}

// workerState is what a worker is to its pool.
type workerState uint8

const (
	workerActive   workerState = 0 // it takes partitions
	workerLeaving  workerState = 1 // it hands over what it owns, and gets nothing
	workerReserved workerState = 2 // it is away and owns nothing; its place is kept
)

// String is the state's name in replies.
func (s workerState) String() string { return [...]string{"active", "leaving", "reserved"}[s] }

// workerRecord is one worker of a pool.
type workerRecord struct {
	epoch   command.Position // the join that made this membership
	session command.SessionID
	state   workerState
	evicted bool // leaving at an operator's wish, so that its own wish does not keep it
	weight  uint32
	zone    string
	address string
	grace   int64
	until   command.Instant // end of the reservation
	since   command.Instant
}

func codeWorkerRecord(c *canonical.Coder, r *workerRecord) {
	codePosition(c, &r.epoch)
	codePosition(c, &r.session)
	c.Byte((*byte)(&r.state), byte(workerReserved))
	c.Bool(&r.evicted)
	c.Uint32(&r.weight)
	c.Text(&r.zone)
	c.Text(&r.address)
	c.Int(&r.grace)
	c.Int((*int64)(&r.until))
	c.Int((*int64)(&r.since))
}

// member is the worker as placement sees it.
func (r workerRecord) member(id string) ring.Member {
	return ring.Member{ID: id, Zone: r.zone, Weight: r.weight}
}

// chunkPartitions is how many partitions share a row: one row each would make a rebalance thousands of rows, one for all would copy everything for every change.
const chunkPartitions = 64

// chunkKey names the row of partitions chunk*64 to chunk*64+63 of a pool. There is a row once one of them has been granted.
type chunkKey struct {
	pool  string
	chunk uint32
}

func compareChunks(a, b chunkKey) int {
	return cmp.Or(strings.Compare(a.pool, b.pool), cmp.Compare(a.chunk, b.chunk))
}

type chunkRecord struct{ parts []partRecord }

// partRecord is who owns a partition. The token is that of the last grant, also when nobody owns it now, so the next one can be compared with it.
type partRecord struct {
	owner    string // empty: nobody
	token    command.Token
	draining command.Instant // since when the owner is asked to hand over; 0: it is not
	changed  uint64          // the pool's version at its last change
}

func codePartRecord(c *canonical.Coder, r *partRecord) {
	c.Text(&r.owner)
	c.Uint((*uint64)(&r.token))
	c.Int((*int64)(&r.draining))
	c.Uint(&r.changed)
}

// The states of a partition in replies.
const (
	partFree     = 0
	partOwned    = 1
	partDraining = 2
)

func (r partRecord) state() int64 {
	switch {
	case r.owner == "":
		return partFree
	case r.draining != 0:
		return partDraining
	}
	return partOwned
}

// membershipKey lists the pools of a session.
type membershipKey struct {
	session      command.SessionID
	pool, worker string
}

func compareMemberships(a, b membershipKey) int {
	return cmp.Or(a.session.Compare(b.session), strings.Compare(a.pool, b.pool), strings.Compare(a.worker, b.worker))
}

// pinKey names a pinned partition.
type pinKey struct {
	pool      string
	partition uint32
}

func comparePins(a, b pinKey) int {
	return cmp.Or(strings.Compare(a.pool, b.pool), cmp.Compare(a.partition, b.partition))
}

// poolKey is a pool's name as a deadline carries it.
func poolKey(pool string) nameKey { return keyOf(command.Name{Key: pool}) }

// rebalanceDeadline is when a pool's changes have waited long enough.
func rebalanceDeadline(pool string, at command.Instant) deadlineKey {
	return deadlineKey{at: at, class: deadlinePool, name: poolKey(pool)}
}

// reservationDeadline is when the place of a worker that is away is kept no longer.
func reservationDeadline(pool string, r workerRecord) deadlineKey {
	return deadlineKey{at: r.until, class: deadlinePool, name: poolKey(pool), id: r.epoch}
}
