package command

// The ops of native holds: locks, permits and leaderships, and the sessions that own them. They came after the exclusive locks of kinds 32-35, which stay
// readable for ever and work on the same names.

// The kinds of native holds and of what operators do to them.
const (
	KindNumbered     Kind = 19
	KindSessionRenew Kind = 20
	KindSessionKill  Kind = 21
	KindSessionList  Kind = 22
	KindSessionInfo  Kind = 23

	KindHoldAcquire  Kind = 36
	KindHoldRenew    Kind = 37
	KindHoldRelease  Kind = 38
	KindHoldCancel   Kind = 39
	KindHoldDescribe Kind = 40
	KindHoldCheck    Kind = 41
	KindLockInfo     Kind = 42
	KindLockList     Kind = 43
	KindLockHistory  Kind = 44
	KindHoldOutcome  Kind = 45

	KindElectionTransfer Kind = 144
	KindElectionLeader   Kind = 145

	KindForceUnlock Kind = 352
)

// Mode is how a hold shares its names with others.
type Mode uint8

// The modes. A multi-lock is an exclusive hold of several names.
const (
	Exclusive Mode = 0
	Shared    Mode = 1
	Semaphore Mode = 2
)

// String is the mode's name in answers.
func (m Mode) String() string {
	switch m {
	case Shared:
		return "shared"
	case Semaphore:
		return "semaphore"
	}
	return "exclusive"
}

// Credentials say which session asks, and prove it. The zero value is nobody's.
type Credentials struct {
	Session SessionID
	Secret  [32]byte // SHA-256 of the secret that the session's client keeps
}

// HoldRef names a hold of a name: by the acquire that made it, or by its token. A token alone names an exclusive hold; one of several holds of a name needs
// the acquire's id, or its session and owner.
type HoldRef struct {
	Token  Token
	Waiter WaiterID
}

// Numbered runs an op of a session under a request number of that session, at most once. The op is one of those that change holds; the answer is the op's, or
// from memory what it was.
type Numbered struct {
	By       Credentials
	Number   uint64
	LowWater uint64
	Op       Op
}

// SessionRenew extends a session to now + its TTL and acknowledges losses. The reply is a map: session, ttl_ms, now_ms, deadline_ms, losses, losses_total. It is
// never answered from memory.
type SessionRenew struct {
	By           Credentials
	Acknowledged []WaiterID // losses that the client has acted on
}

// SessionKill makes a session end: at the deadline that it has, and until then it cannot be renewed; or, with Now, at once.
type SessionKill struct {
	Session SessionID
	Reason  string // for people; must not be empty
	Actor   string // who did it
	Now     bool
}

// SessionList lists sessions in the order of their ids, from after Cursor. The reply is a map: cursor, position, now_ms, sessions.
type SessionList struct {
	Cursor SessionID
	Count  int64
	Match  string // glob over client names; empty for all
	Nodes  bool   // node sessions too
}

// SessionInfo tells about one session and what it holds and waits for.
type SessionInfo struct{ Session SessionID }

// HoldAcquire takes a hold, or a place in the queues of its names. The reply is a map: of the grant, or of the place (queued, waiter, …); or an error: HELD
// for a try that failed, CONFLICT, DEADLOCK, LIMIT.
type HoldAcquire struct {
	Names            []string // one, or with Exclusive several: all or nothing, under one token
	Mode             Mode
	Permits          uint32 // with Semaphore: how many of Limit
	Limit            uint32 // with Semaphore
	By               Credentials
	Owner            string // with a session
	TTLMilliseconds  int64  // without a session: the hold's own TTL
	WaitMilliseconds int64  // 0: try
	Reentrant        bool   // a hold of the same owner is counted up
	MaxHold          int64  // ms after the grant; 0 for none
	Delay            int64  // ms for which the names stay reserved when the hold ended other than by its holder's wish
	AtLeast          int64  // ms after the grant for which the names stay reserved, however the hold ends
	Metadata         []byte
}

// HoldRenew extends a hold without a session to now + TTL. Reply as for a grant, or NOTHELD.
type HoldRenew struct {
	Name            string
	Hold            HoldRef
	TTLMilliseconds int64 // 0: the TTL given at acquire
}

// HoldRelease ends a hold at its holder's wish; a multi-lock ends on all its names. The reply is OK, or how often a reentrant hold is still held.
type HoldRelease struct {
	Name  string
	Hold  HoldRef
	By    Credentials // zero for a hold without a session
	Owner string      // not empty: the hold must be this owner's
	All   bool        // whatever the count of a reentrant hold
}

// HoldCancel withdraws an acquire, or ends its hold if the grant came first. The reply is OK in every case, so it can be repeated.
type HoldCancel struct {
	Name   string
	Waiter WaiterID // the acquire, or
	Owner  string   // the owner whose acquire it is, or
	Number uint64   // the request number under which it was sent; one that has not run yet never will
	By     Credentials
}

// HoldDescribe changes what others see of a holder.
type HoldDescribe struct {
	Name     string
	Hold     HoldRef
	By       Credentials
	Owner    string
	Metadata []byte
}

// Check is one question of a HoldCheck.
type Check struct {
	Name string
	Hold HoldRef
}

// HoldCheck answers, for each pair and all at one moment, whether the hold is there (FENCE.CHECK). The reply is an array of maps.
type HoldCheck struct{ Checks []Check }

// LockInfo tells all about one name: holders, waiters, reservations.
type LockInfo struct{ Name string }

// LockList lists names that are held natively, reserved or waited for, in the order of SCAN, from Cursor. The reply is a map: cursor, position, now_ms, locks.
type LockList struct {
	Cursor string // the last name of the page before; empty for the first page
	Count  int64
	Match  string // glob; empty for all
	Redis  bool   // names with a Redis value too
}

// LockHistory lists the last holders of a name, newest first.
type LockHistory struct {
	Name  string
	Count int64
}

// HoldOutcome tells what became of an acquire: its grant, its place, or NOTHELD.
type HoldOutcome struct {
	Name   string
	Waiter WaiterID
}

// ElectionTransfer ends an exclusive hold in favour of one that waits, out of turn. The candidate is a waiter, or the first with that owner id.
type ElectionTransfer struct {
	Name      string
	Hold      HoldRef
	By        Credentials
	Owner     string
	Waiter    WaiterID
	Candidate string
}

// ElectionLeader tells who leads: the holder of the name and its value, or that nobody does.
type ElectionLeader struct{ Name string }

// ForceUnlock ends every hold of a name, or one, at an operator's wish. Without Now the next grant waits until the holders have acknowledged the loss, or the
// deadline that they last had. A Redis value is deleted.
type ForceUnlock struct {
	Name   string
	Waiter WaiterID // zero: every hold
	Reason string   // for people; must not be empty
	Actor  string
	Now    bool
}
