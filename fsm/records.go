package fsm

import (
	"cmp"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/canonical"
)

// nameKey orders names by database, hash and bytes. The hash comes first so that comparing is mostly one machine word, and so that SCAN has a
// 64-bit cursor that stays true while names come and go.
type nameKey struct {
	database uint8
	hash     uint64
	key      string
}

func keyOf(name command.Name) nameKey {
	return nameKey{name.Database, xxhash.Sum64String(name.Key), name.Key}
}

func (k nameKey) name() command.Name { return command.Name{Database: k.database, Key: k.key} }

func compareNames(a, b nameKey) int {
	if c := cmp.Compare(a.database, b.database); c != 0 {
		return c
	}
	if c := cmp.Compare(a.hash, b.hash); c != 0 {
		return c
	}
	return strings.Compare(a.key, b.key)
}

func codeNameKey(c *canonical.Coder, k *nameKey) {
	c.Byte(&k.database, command.MaxDatabases-1)
	c.Text(&k.key)
	if !c.Writing {
		k.hash = xxhash.Sum64String(k.key)
	}
}

// holding says what a name is held by.
type holding uint8

const (
	holdingNone   holding = 0 // by nobody: the row exists because somebody waits, and the next grant is pending
	holdingString holding = 1 // by a Redis value
	holdingNative holding = 2 // by a native lock of the first kinds, of which the name's row knows all
	holdingHolds  holding = 3 // by native holds, which have rows of their own
)

// nameRecord is what the state knows of a name that is held, reserved or waited for. Of native holds it shows the oldest.
type nameRecord struct {
	holding  holding
	token    command.Token
	revision uint64          // changes with every write, for WATCH
	deadline command.Instant // of a Redis value or a lock without a session; with nobody as holder, end of a reservation; 0 for none
	queued   uint32          // waiters
	value    []byte          // of a Redis value
	session  command.SessionID
	owner    string
	ttl      int64            // of a lock without a session, in ms
	waiter   command.WaiterID // the acquire that made the native hold
}

func codeNameRecord(c *canonical.Coder, r *nameRecord) {
	c.Byte((*byte)(&r.holding), byte(holdingHolds))
	c.Uint((*uint64)(&r.token))
	c.Uint(&r.revision)
	c.Int((*int64)(&r.deadline))
	c.Uint32(&r.queued)
	c.Data(&r.value)
	codePosition(c, &r.session)
	c.Text(&r.owner)
	c.Int(&r.ttl)
	codePosition(c, &r.waiter)
}

func codePosition(c *canonical.Coder, p *command.Position) {
	c.Uint(&p.Index)
	c.Uint32(&p.Offset)
}

// waiterKey orders the waiters of a name by arrival in the log: the queue is the order of the keys.
type waiterKey struct {
	name nameKey
	id   command.WaiterID
}

func compareWaiters(a, b waiterKey) int {
	if c := compareNames(a.name, b.name); c != 0 {
		return c
	}
	return a.id.Compare(b.id)
}

func codeWaiterKey(c *canonical.Coder, k *waiterKey) {
	codeNameKey(c, &k.name)
	codePosition(c, &k.id)
}

// waiterRecord is one place in a queue.
type waiterRecord struct {
	session  command.SessionID // of the lock, when it will belong to one
	bound    command.SessionID // the session with which the place vanishes: the lock's own, or that of the node whose connection waits
	owner    string
	ttl      int64
	deadline command.Instant // end of the wait
}

func codeWaiterRecord(c *canonical.Coder, r *waiterRecord) {
	codePosition(c, &r.session)
	codePosition(c, &r.bound)
	c.Text(&r.owner)
	c.Int(&r.ttl)
	c.Int((*int64)(&r.deadline))
}

// sessionRecord is one session.
type sessionRecord struct {
	secretHash [32]byte
	ttl        int64
	deadline   command.Instant
	dead       bool // ended; what it held is being released in slices and counts as ended already
	node       bool
	clientName string
	metadata   []byte
	lowWater   uint64
	remembered uint32 // results kept
	bytes      uint32 // of those results
	holds      uint32
	waiters    uint32
}

func codeSessionRecord(c *canonical.Coder, r *sessionRecord) {
	c.Hash(&r.secretHash)
	c.Int(&r.ttl)
	c.Int((*int64)(&r.deadline))
	c.Bool(&r.dead)
	c.Bool(&r.node)
	c.Text(&r.clientName)
	c.Data(&r.metadata)
	c.Uint(&r.lowWater)
	c.Uint32(&r.remembered)
	c.Uint32(&r.bytes)
	c.Uint32(&r.holds)
	c.Uint32(&r.waiters)
}

// ended reports whether the session is over at an instant. It may still have to give back what it held.
func (r sessionRecord) ended(now command.Instant) bool { return r.dead || r.deadline <= now }

// resultKey names a remembered result.
type resultKey struct {
	session command.SessionID
	number  uint64
}

func compareResults(a, b resultKey) int {
	if c := a.session.Compare(b.session); c != 0 {
		return c
	}
	return cmp.Compare(a.number, b.number)
}

func codeResultKey(c *canonical.Coder, k *resultKey) {
	codePosition(c, &k.session)
	c.Uint(&k.number)
}

// resultRecord is a remembered result. That of an acquire names its lock and waiter instead, because a retry is answered with what became of it (safety case S17).
type resultRecord struct {
	reply  []byte
	cost   uint32 // what it counts against its session's limit
	lock   string
	waiter command.WaiterID
}

func codeResultRecord(c *canonical.Coder, r *resultRecord) {
	c.Data(&r.reply)
	c.Uint32(&r.cost)
	c.Text(&r.lock)
	codePosition(c, &r.waiter)
}

// hashResult leaves error texts and nested replies out, because texts may differ between builds.
func hashResult(c *canonical.Coder, k *resultKey, r *resultRecord) {
	codeResultKey(c, k)
	hashed := *r
	if len(r.reply) > 0 && command.ReplyType(r.reply[0]) >= command.ReplyArray {
		hashed.reply = r.reply[:1]
	}
	codeResultRecord(c, &hashed)
}

// belongingKey lists what a session must give back when it ends.
type belongingKey struct {
	session command.SessionID
	waiting bool // a place in a queue; otherwise a hold
	name    nameKey
	id      command.WaiterID // of the acquire; none for a hold of the first kinds
}

func compareBelongings(a, b belongingKey) int {
	if c := a.session.Compare(b.session); c != 0 {
		return c
	}
	if a.waiting != b.waiting {
		if a.waiting {
			return -1
		}
		return 1
	}
	if c := compareNames(a.name, b.name); c != 0 {
		return c
	}
	return a.id.Compare(b.id)
}

func codeBelongingKey(c *canonical.Coder, k *belongingKey) {
	codePosition(c, &k.session)
	c.Bool(&k.waiting)
	codeNameKey(c, &k.name)
	codePosition(c, &k.id)
}

// deadlineClass says what ends at a deadline.
type deadlineClass uint8

const (
	deadlineSession deadlineClass = 0
	deadlineName    deadlineClass = 1
	deadlineWaiter  deadlineClass = 2
	deadlineHold    deadlineClass = 3
	deadlinePool    deadlineClass = 4
)

// deadlineKey orders everything that ends by itself by when it does.
type deadlineKey struct {
	at    command.Instant
	class deadlineClass
	name  nameKey          // of all but deadlineSession
	id    command.Position // of all but deadlineName
}

func compareDeadlines(a, b deadlineKey) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	if c := cmp.Compare(a.class, b.class); c != 0 {
		return c
	}
	if c := compareNames(a.name, b.name); c != 0 {
		return c
	}
	return a.id.Compare(b.id)
}

func codeDeadlineKey(c *canonical.Coder, k *deadlineKey) {
	c.Int((*int64)(&k.at))
	c.Byte((*byte)(&k.class), byte(deadlinePool))
	if k.class != deadlineSession {
		codeNameKey(c, &k.name)
	}
	if k.class != deadlineName {
		codePosition(c, &k.id)
	}
}

// scriptRecord is a script text and when it came, since the oldest is forgotten first.
type scriptRecord struct {
	source []byte
	age    uint64
}
