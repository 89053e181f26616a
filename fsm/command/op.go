package command

// Kind numbers the commands in the log. Kinds are append-only and never reused; fsm/DESIGN.md lists the ranges that are reserved for what comes later.
type Kind uint16

// The kinds, by family.
const (
	// 1-15: the machine's own housekeeping, proposed by the leader.
	KindTick        Kind = 1
	KindExpire      Kind = 2
	KindClockOffset Kind = 3
	KindIdentity    Kind = 4
	KindSetting     Kind = 5

	// 16-31: sessions.
	KindSessionOpen      Kind = 16
	KindSessionKeepAlive Kind = 17
	KindSessionClose     Kind = 18

	// 32-47: native exclusive locks.
	KindLockAcquire Kind = 32
	KindLockRenew   Kind = 33
	KindLockRelease Kind = 34
	KindLockCancel  Kind = 35

	// 64-127: Redis strings and keys.
	KindSet          Kind = 64
	KindGet          Kind = 65
	KindGetDelete    Kind = 66
	KindGetExpire    Kind = 67
	KindGetRange     Kind = 68
	KindLength       Kind = 69
	KindMultiGet     Kind = 70
	KindMultiSet     Kind = 71
	KindIncrement    Kind = 72
	KindIncrementBy  Kind = 73 // by a floating-point number
	KindDelete       Kind = 74
	KindDeleteIf     Kind = 75
	KindExists       Kind = 76
	KindType         Kind = 77
	KindExpireKey    Kind = 78
	KindTimeToLive   Kind = 79
	KindPersist      Kind = 80
	KindScan         Kind = 81
	KindKeys         Kind = 82
	KindDatabaseSize Kind = 83
	KindTime         Kind = 84
	KindFence        Kind = 85
	KindRevisions    Kind = 86
	KindGetRefused   Kind = 87

	// 128-135: several commands as one.
	KindTransaction  Kind = 128
	KindScript       Kind = 129
	KindScriptLoad   Kind = 130
	KindScriptSource Kind = 131
	KindScriptExists Kind = 132
	KindScriptFlush  Kind = 133
)

// Op is one typed command. The implementations are the structs of this package, used by value.
type Op interface {
	// Kind is the op's number in the log.
	Kind() Kind
	// ReadOnly reports that the op changes nothing, so that it may be answered from a linearizable read instead of an entry.
	ReadOnly() bool
}

// Tick carries replicated time, and the leader's hash of the state at an index it has applied, so that a machine that differs can notice.
type Tick struct {
	HashIndex uint64 // 0 when no hash is carried
	Hash      uint64
}

// Expire ends what is due at the entry's instant, at most ExpireSlice ends; the machine judges by the deadlines in its state.
type Expire struct{}

// ClockOffset moves the distance between replicated time and Unix time. No deadline moves with it.
type ClockOffset struct{ Milliseconds int64 }

// Identity gives the cluster its id and name. It is the first command of a cluster; later ones with another id change nothing and answer an error.
type Identity struct {
	ClusterID   string
	ClusterName string
}

// Setting sets a replicated setting. An empty value removes it.
type Setting struct{ Key, Value string }

// SessionOpen opens a session. The reply is a map: session, ttl_ms, now_ms, deadline_ms.
type SessionOpen struct {
	SecretHash      [32]byte // SHA-256 of the secret that its client keeps; zero for a node session
	TTLMilliseconds int64
	ClientName      string
	Metadata        []byte
	Node            bool // a node's own session: it numbers the Redis commands of its connections
}

// SessionKeepAlive extends a session to now + its TTL. The reply is a map: session, ttl_ms, now_ms, deadline_ms. It is never answered from memory.
type SessionKeepAlive struct {
	Session    SessionID
	SecretHash [32]byte
}

// SessionClose ends a session and releases what it holds. The reply is OK, also when it had ended before.
type SessionClose struct {
	Session    SessionID
	SecretHash [32]byte
}

// LockAcquire takes an exclusive lock, or a place in its queue. The reply is a map: token, remaining_ms, now_ms, deadline_ms, waiter when granted;
// a map with queued (place from 1) and waiter when it waits; or a HELD error.
type LockAcquire struct {
	Name             string
	Session          SessionID // zero: the lock has a TTL of its own and its token is its owner's credential
	SecretHash       [32]byte  // with Session
	Owner            string    // the owner inside the session; different owners of one session exclude each other
	TTLMilliseconds  int64     // without Session: the lock's own TTL
	WaitMilliseconds int64     // 0: try; the answer is HELD when the lock is not free
}

// LockRenew extends a lock without a session to now + TTL. Reply as for a granted LockAcquire, or NOTHELD.
type LockRenew struct {
	Name            string
	Token           Token
	TTLMilliseconds int64 // 0: the TTL given at acquire
}

// LockRelease ends a hold. The reply is OK, or NOTHELD when the name is not held with that token. For a session's lock the session's secret is needed.
type LockRelease struct {
	Name       string
	Token      Token
	Session    SessionID
	SecretHash [32]byte
}

// LockCancel withdraws a waiter, or releases its grant if that came first. The reply is OK in every case, so it can be repeated.
type LockCancel struct {
	Name   string
	Waiter WaiterID
}

// Condition says when a write takes place.
type Condition uint8

// The conditions.
const (
	Always     Condition = 0
	IfAbsent   Condition = 1 // NX
	IfPresent  Condition = 2 // XX
	IfEqual    Condition = 3 // IFEQ: the value equals Operand
	IfNotEqual Condition = 4 // IFNE: the value differs from Operand, or there is none
	IfNoExpiry Condition = 5 // EXPIRE … NX
	IfExpiry   Condition = 6 // EXPIRE … XX
	IfGreater  Condition = 7 // EXPIRE … GT
	IfLess     Condition = 8 // EXPIRE … LT
)

// ExpiryMode says what a write does to a key's deadline.
type ExpiryMode uint8

// The modes.
const (
	ExpiryClear    ExpiryMode = 0 // no deadline afterwards (plain SET, GETEX PERSIST)
	ExpiryKeep     ExpiryMode = 1 // the deadline stays (KEEPTTL, GETEX without option)
	ExpiryRelative ExpiryMode = 2 // so many ms from the entry's instant
	ExpiryAbsolute ExpiryMode = 3 // at this Unix time in ms, judged once with the clock offset in the state
)

// Expiry is a mode and its milliseconds (zero unless relative or absolute; may be zero or negative for EXPIRE, which then deletes).
type Expiry struct {
	Mode         ExpiryMode
	Milliseconds int64
}

// SetReply says in which shape a Set answers.
type SetReply uint8

// The shapes.
const (
	SetReplyStatus  SetReply = 0 // OK or nil
	SetReplyInteger SetReply = 1 // 1 or 0 (SETNX)
	SetReplyOld     SetReply = 2 // the value before, or nil (SET … GET, GETSET)
)

// Set writes a string: SET with all its options, SETNX, SETEX, PSETEX, GETSET.
type Set struct {
	Name      Name
	Value     []byte
	Condition Condition // Always, IfAbsent, IfPresent, IfEqual, IfNotEqual
	Operand   []byte    // with IfEqual and IfNotEqual
	Expiry    Expiry
	Reply     SetReply
}

// Get reads a string. Virtual names (FencePrefix, FenceIfPrefix) answer tokens.
type Get struct{ Name Name }

// GetDelete reads a string and deletes it.
type GetDelete struct{ Name Name }

// GetExpire reads a string and changes its deadline (GETEX).
type GetExpire struct {
	Name   Name
	Expiry Expiry
}

// GetRefused answers nil when there is no such name, and otherwise refuses with Text: Redis judges the expiry of a GETEX only when the name exists.
type GetRefused struct {
	Name Name
	Text string
}

// GetRange reads part of a string; Start and End count from the end when negative.
type GetRange struct {
	Name       Name
	Start, End int64
}

// Length answers the length of a string (STRLEN).
type Length struct{ Name Name }

// MultiGet reads several strings at one moment.
type MultiGet struct{ Names []Name }

// Pair is a name and the value it is to get.
type Pair struct {
	Name  Name
	Value []byte
}

// MultiSet writes several strings as one (MSET; with IfAbsent MSETNX: all or none).
type MultiSet struct {
	Pairs    []Pair
	IfAbsent bool
}

// Increment adds to the integer that a string spells (INCR, DECR, INCRBY, DECRBY).
type Increment struct {
	Name  Name
	Delta int64
}

// IncrementBy adds the floating-point number that Delta spells (INCRBYFLOAT).
type IncrementBy struct {
	Name  Name
	Delta string
}

// Delete removes names (DEL, UNLINK) and answers how many there were.
type Delete struct{ Names []Name }

// DeleteIf removes a name under a condition (DELEX, DELIFEQ): Always, IfEqual, IfNotEqual.
type DeleteIf struct {
	Name      Name
	Condition Condition
	Operand   []byte
}

// Exists counts how many of the names exist; a name given twice counts twice.
type Exists struct{ Names []Name }

// Type answers the type of a name: "string" or "none".
type Type struct{ Name Name }

// ExpireKey sets a deadline (EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT) and answers 1 or 0. Condition: Always, IfNoExpiry, IfExpiry, IfGreater, IfLess, or
// IfExpiry|… combinations as Redis allows them (XX with GT or LT), kept in Conditions.
type ExpireKey struct {
	Name       Name
	Expiry     Expiry // relative or absolute
	Conditions []Condition
}

// TimeToLiveForm says what TimeToLive answers.
type TimeToLiveForm uint8

// The forms.
const (
	RemainingSeconds      TimeToLiveForm = 0 // TTL
	RemainingMilliseconds TimeToLiveForm = 1 // PTTL
	DeadlineSeconds       TimeToLiveForm = 2 // EXPIRETIME
	DeadlineMilliseconds  TimeToLiveForm = 3 // PEXPIRETIME
)

// TimeToLive answers what is left of a name's life: -1 without a deadline, -2 without the name.
type TimeToLive struct {
	Name Name
	Form TimeToLiveForm
}

// Persist takes a name's deadline away.
type Persist struct{ Name Name }

// Scan walks the names of a database in order. Cursor is 0 at first; the reply is [next cursor, names]. Cursors are stable under changes: a name
// that is there during the whole walk is returned exactly once.
type Scan struct {
	Database uint8
	Cursor   uint64
	Match    string // glob; empty for all
	Count    int64
	OfType   string // empty for all
}

// Keys lists the names of a database that match a glob.
type Keys struct {
	Database uint8
	Match    string
}

// DatabaseSize counts the names of a database.
type DatabaseSize struct{ Database uint8 }

// Time answers Unix time as [seconds, microseconds] from the replicated clock.
type Time struct{}

// Fence answers the fencing token of a name as an integer, or nil when it is free. With HasValue only while the name holds that value.
type Fence struct {
	Name     Name
	HasValue bool
	Value    []byte
}

// Revisions answers, for each name, a number that changes whenever the name does (for WATCH).
type Revisions struct{ Names []Name }

// Watch is a name and the revision it had when it was watched.
type Watch struct {
	Name     Name
	Revision uint64
}

// Transaction runs ops as one (MULTI/EXEC). It answers an array of their replies, or NilArray when a watched name has changed since.
type Transaction struct {
	Watches []Watch
	Ops     []Op // none of them a Transaction, or a housekeeping, session or lock op
}

// Script runs a compiled script (see fsm/script) with its keys and arguments, as one.
type Script struct {
	Program   []byte // canonical encoding
	Database  uint8
	Keys      [][]byte
	Arguments [][]byte
	ReadsOnly bool // refuse writes (EVAL_RO), or known to write nothing
}

// ScriptLoad remembers a script's text under its SHA1 for every node (SCRIPT LOAD, and the first EVAL of a text) and answers the SHA1 in hexadecimal.
// The cluster keeps MaxScripts texts and forgets the oldest first.
type ScriptLoad struct{ Source []byte }

// ScriptSource answers the text with this SHA1 (lower-case hexadecimal), or nil. The door asks it for EVALSHA of a text that its node has not seen.
type ScriptSource struct{ SHA1 string }

// ScriptExists answers an array of 1 or 0 for each SHA1.
type ScriptExists struct{ SHA1s []string }

// ScriptFlush forgets all texts.
type ScriptFlush struct{}

// Malformed stands for a command of a known kind whose payload does not decode. It answers an error on every machine alike.
type Malformed struct{ Of Kind }

// Kind implements Op: the kind that the command claimed to be.
func (m Malformed) Kind() Kind { return m.Of }

// ReadOnly implements Op.
func (Malformed) ReadOnly() bool { return false }
