package fsm

import (
	"cmp"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/canonical"
)

// holdStage says how far an acquire has come.
type holdStage uint8

const (
	stageWaiting holdStage = 0 // it stands in the queues of its names
	stageHeld    holdStage = 1 // it was granted
	stageGhost   holdStage = 2 // its hold is over, and its place is kept for a while: nobody else gets it before the deadline
)

// acquireRecord is one acquire, from its place in the queue to the end of what its hold leaves behind. Its id is the place of its command in the log.
type acquireRecord struct {
	stage     holdStage
	names     []string // one, or the set of a multi-lock
	mode      command.Mode
	permits   uint32 // with Semaphore
	limit     uint32
	session   command.SessionID
	owner     string
	ttl       int64 // of a hold without a session, in ms
	maxHold   int64
	delay     int64
	atLeast   int64
	metadata  []byte
	asked     command.Instant
	token     command.Token
	count     uint32          // how often a reentrant owner holds it
	since     command.Instant // of the grant
	until     command.Instant // end by its maximum, 0 for none
	deadline  command.Instant // when it ends by itself, whatever its session does: its TTL or its maximum, or the end of a ghost; 0 for none
	reserved  command.Instant // of a ghost: end of lock-delay and floor
	delayed   bool            // of a ghost: the lock-delay is what ends last of these two
	unheeded  bool            // of a ghost: the loss is not acknowledged yet
	unheeding command.Instant // of a ghost: until when an acknowledgement is waited for
}

func codeAcquireRecord(c *canonical.Coder, r *acquireRecord) {
	c.Byte((*byte)(&r.stage), byte(stageGhost))
	canonical.List(c, &r.names, func(c *canonical.Coder, name *string) { c.Text(name) })
	c.Byte((*byte)(&r.mode), byte(command.Semaphore))
	c.Uint32(&r.permits)
	c.Uint32(&r.limit)
	codePosition(c, &r.session)
	c.Text(&r.owner)
	c.Int(&r.ttl)
	c.Int(&r.maxHold)
	c.Int(&r.delay)
	c.Int(&r.atLeast)
	c.Data(&r.metadata)
	c.Int((*int64)(&r.asked))
	c.Uint((*uint64)(&r.token))
	c.Uint32(&r.count)
	c.Int((*int64)(&r.since))
	c.Int((*int64)(&r.until))
	c.Int((*int64)(&r.deadline))
	c.Int((*int64)(&r.reserved))
	c.Bool(&r.delayed)
	c.Bool(&r.unheeded)
	c.Int((*int64)(&r.unheeding))
	if len(r.names) == 0 {
		c.Fail()
	}
}

// keys are the names of the acquire as the tables know them.
func (r acquireRecord) keys() []nameKey {
	keys := make([]nameKey, len(r.names))
	for i, name := range r.names {
		keys[i] = keyOf(command.Name{Key: name})
	}
	return keys
}

// modeName is the mode as answers show it.
func (r acquireRecord) modeName() string {
	if len(r.names) > 1 {
		return "multi"
	}
	return r.mode.String()
}

// named reports whether the acquire has an owner that can be told from others: only then is asking again the same as having asked.
func (r acquireRecord) named() bool { return !r.session.IsZero() && r.owner != "" }

// holder is how the owner is named to people.
func (r acquireRecord) holder(id command.WaiterID) string {
	return nameRecord{holding: holdingHolds, session: r.session, owner: r.owner, waiter: id}.holder()
}

// lockRecord counts what stands on a name: holds and ghosts by mode, and claims of permits. It is there while it says anything.
type lockRecord struct {
	token     command.Token // of the present phase; of the newest permit
	exclusive uint32        // places taken, those of ghosts included
	shared    uint32
	used      uint32 // permits taken
	live      uint32 // holds that are not over
	limit     uint32 // of the semaphore, while anybody has or wants permits
	claims    uint32 // waiters that want permits
	successor command.WaiterID
}

// idle reports that the row says nothing.
func (r lockRecord) idle() bool { return r == lockRecord{token: r.token, limit: r.limit} }

func codeLockRecord(c *canonical.Coder, r *lockRecord) {
	c.Uint((*uint64)(&r.token))
	c.Uint32(&r.exclusive)
	c.Uint32(&r.shared)
	c.Uint32(&r.used)
	c.Uint32(&r.live)
	c.Uint32(&r.limit)
	c.Uint32(&r.claims)
	codePosition(c, &r.successor)
}

// ownerKey finds the acquires of an owner that has a name.
type ownerKey struct {
	session command.SessionID
	owner   string
	name    nameKey
	id      command.WaiterID
}

func compareOwners(a, b ownerKey) int {
	if c := a.session.Compare(b.session); c != 0 {
		return c
	}
	if c := strings.Compare(a.owner, b.owner); c != 0 {
		return c
	}
	if c := compareNames(a.name, b.name); c != 0 {
		return c
	}
	return a.id.Compare(b.id)
}

func codeOwnerKey(c *canonical.Coder, k *ownerKey) {
	codePosition(c, &k.session)
	c.Text(&k.owner)
	codeNameKey(c, &k.name)
	codePosition(c, &k.id)
}

// lossKey lists the losses of a session by the acquire that was lost.
type lossKey struct {
	session command.SessionID
	id      command.WaiterID
}

func compareLosses(a, b lossKey) int {
	if c := a.session.Compare(b.session); c != 0 {
		return c
	}
	return a.id.Compare(b.id)
}

func codeLossKey(c *canonical.Coder, k *lossKey) {
	codePosition(c, &k.session)
	codePosition(c, &k.id)
}

// lossRecord is an end that a holder did not ask for and has not acknowledged yet.
type lossRecord struct {
	name   string
	token  command.Token
	owner  string
	mode   string
	reason string
	actor  string
	why    string
	at     command.Instant
}

func codeLossRecord(c *canonical.Coder, r *lossRecord) {
	c.Text(&r.name)
	c.Uint((*uint64)(&r.token))
	c.Text(&r.owner)
	c.Text(&r.mode)
	c.Text(&r.reason)
	c.Text(&r.actor)
	c.Text(&r.why)
	c.Int((*int64)(&r.at))
}

// historyKey orders the past holders of a name by when they ended.
type historyKey struct {
	name nameKey
	age  uint64 // grows with every end
}

func compareHistory(a, b historyKey) int {
	if c := compareNames(a.name, b.name); c != 0 {
		return c
	}
	return cmp.Compare(a.age, b.age)
}

func codeHistoryKey(c *canonical.Coder, k *historyKey) {
	codeNameKey(c, &k.name)
	c.Uint(&k.age)
}

// pastRecord is one past holder of a name.
type pastRecord struct {
	id       command.WaiterID
	token    command.Token
	mode     string
	permits  uint32
	session  command.SessionID
	owner    string
	client   string
	metadata []byte
	asked    command.Instant
	since    command.Instant
	ended    command.Instant
	reason   string
	actor    string
	why      string
}

func codePastRecord(c *canonical.Coder, r *pastRecord) {
	codePosition(c, &r.id)
	c.Uint((*uint64)(&r.token))
	c.Text(&r.mode)
	c.Uint32(&r.permits)
	codePosition(c, &r.session)
	c.Text(&r.owner)
	c.Text(&r.client)
	c.Data(&r.metadata)
	c.Int((*int64)(&r.asked))
	c.Int((*int64)(&r.since))
	c.Int((*int64)(&r.ended))
	c.Text(&r.reason)
	c.Text(&r.actor)
	c.Text(&r.why)
}

// endRecord is why a session has ended and is still being given back, or, with doomed, why it can be renewed no more.
type endRecord struct {
	doomed bool
	now    bool // its names are free at once, whatever its holds had asked for
	reason string
	actor  string
	why    string
	at     command.Instant
}

func codeEndRecord(c *canonical.Coder, r *endRecord) {
	c.Bool(&r.doomed)
	c.Bool(&r.now)
	c.Text(&r.reason)
	c.Text(&r.actor)
	c.Text(&r.why)
	c.Int((*int64)(&r.at))
}

// holdTables are the tables of native holds. They came after the first twelve, and a snapshot leaves out those that are empty.
type holdTables struct {
	locks       *table[nameKey, lockRecord]
	acquires    *table[command.WaiterID, acquireRecord]
	holders     *table[waiterKey, none] // holds and ghosts of a name, by age
	owners      *table[ownerKey, none]
	losses      *table[lossKey, lossRecord]
	history     *table[historyKey, pastRecord]
	historyAges *table[uint64, nameKey]
	ends        *table[command.SessionID, endRecord]
}

func newHoldTables(j *journal) holdTables {
	return holdTables{
		locks: newTable(j, 13, compareNames, func(c *canonical.Coder, k *nameKey, v *lockRecord) {
			codeNameKey(c, k)
			codeLockRecord(c, v)
		}),
		acquires: newTable(j, 14, command.Position.Compare, func(c *canonical.Coder, k *command.WaiterID, v *acquireRecord) {
			codePosition(c, k)
			codeAcquireRecord(c, v)
		}),
		holders: newTable(j, 15, compareWaiters, func(c *canonical.Coder, k *waiterKey, _ *none) { codeWaiterKey(c, k) }),
		owners:  newTable(j, 16, compareOwners, func(c *canonical.Coder, k *ownerKey, _ *none) { codeOwnerKey(c, k) }),
		losses: newTable(j, 17, compareLosses, func(c *canonical.Coder, k *lossKey, v *lossRecord) {
			codeLossKey(c, k)
			codeLossRecord(c, v)
		}),
		history: newTable(j, 18, compareHistory, func(c *canonical.Coder, k *historyKey, v *pastRecord) {
			codeHistoryKey(c, k)
			codePastRecord(c, v)
		}),
		historyAges: newTable(j, 19, cmp.Compare[uint64], func(c *canonical.Coder, k *uint64, v *nameKey) {
			c.Uint(k)
			codeNameKey(c, v)
		}),
		ends: newTable(j, 20, command.Position.Compare, func(c *canonical.Coder, k *command.SessionID, v *endRecord) {
			codePosition(c, k)
			codeEndRecord(c, v)
		}),
	}
}

func (t *holdTables) list() []anyTable {
	return []anyTable{t.locks, t.acquires, t.holders, t.owners, t.losses, t.history, t.historyAges, t.ends}
}
