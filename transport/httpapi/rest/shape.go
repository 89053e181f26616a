package rest

// shape is what an object in an answer looks like. Objects may have fields that are not in it: clients ignore them.
type shape struct {
	name       string
	about      string
	properties []property
}

// property is one field of an object.
type property struct {
	name  string
	is    form
	of    *shape   // objects and rows
	words []string // aWord
	about string
	rare  bool // it may be missing
}

// form is how a value is told.
type form uint8

const (
	aText      form = iota
	aNumber         // a whole number
	aToken          // a fencing token: a string of digits, "0" for none
	aFlag           // true or false
	aMaybe          // a text, or null
	manyTexts       // an array of strings
	objects         // an array of objects
	aCursor         // where a list goes on: an opaque text, empty at the end
	aWord           // one of some words, which the native protocol tells by its number
	rowsOrNull      // an array of objects, which the native protocol tells as one flat array of their values; or null
)

// find gives the property of that name, or nil.
func (s *shape) find(name string) *property {
	if s == nil {
		return nil
	}
	for i := range s.properties {
		if s.properties[i].name == name {
			return &s.properties[i]
		}
	}
	return nil
}

// join puts lists of properties together.
func join(lists ...[]property) []property {
	var all []property
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// Properties that many shapes have.
var (
	pName       = property{name: "name", about: "name of the lock"}
	pMode       = property{name: "mode", about: "exclusive, shared, semaphore, multi, redis for a Redis value, or empty"}
	pToken      = property{name: "token", is: aToken, about: "fencing token of the grant"}
	pWaiter     = property{name: "waiter", about: "id of the acquire: of its place while it waits, of its hold afterwards"}
	pSession    = property{name: "session", about: "id of the session, empty for none"}
	pOwner      = property{name: "owner", about: "owner within the session, empty for none"}
	pClient     = property{name: "client", about: "what the session's client calls itself"}
	pMeta       = property{name: "meta", about: "what the holder says of itself"}
	pNow        = property{name: "now_ms", is: aNumber, about: "replicated instant of the answer; other instants count by their distance to it"}
	pDeadline   = property{name: "deadline_ms", is: aNumber, about: "replicated instant at which this ends by itself, 0 for none"}
	pRemaining  = property{name: "remaining_ms", is: aNumber, about: "milliseconds until deadline_ms, 0 for no deadline"}
	pUntil      = property{name: "until_ms", is: aNumber, about: "replicated instant, 0 for none"}
	pSince      = property{name: "since_ms", is: aNumber, about: "replicated instant at which this began"}
	pQueued     = property{name: "queued", is: aNumber, about: "place in the queue, from 1"}
	pPermits    = property{name: "permits", is: aNumber, about: "permits of a semaphore, else 1"}
	pLimit      = property{name: "limit", is: aNumber, about: "permits that the semaphore has, else 0"}
	pCount      = property{name: "count", is: aNumber, about: "how often a reentrant owner holds it"}
	pReason     = property{name: "reason", about: "why it ended"}
	pActor      = property{name: "actor", about: "the operator who ended it, empty for none"}
	pWhy        = property{name: "why", about: "what the operator gave as the reason"}
	pCursor     = property{name: "cursor", is: aCursor, about: "give it to get the next page; empty at the end"}
	pPosition   = property{name: "position", about: "position in the log, from which /v1/events goes on"}
	pTTL        = property{name: "ttl_ms", is: aNumber, about: "time to live without a renewal"}
	pEarly      = property{name: "early_ms", is: aNumber, rare: true, about: "how long without a renewal it must be before it may end early; missing when it was not opened with that"}
	pWaited     = property{name: "waited_ms", is: aNumber, about: "how long it waited"}
	pHeld       = property{name: "held_ms", is: aNumber, about: "how long it was or is held"}
	pHolders    = property{name: "holders_total", is: aNumber, about: "how many hold it"}
	pAt         = property{name: "at_ms", is: aNumber, about: "replicated instant at which it happened or will"}
	pReserved   = property{name: "reserved", about: "why nobody gets it yet: delay, floor, unacknowledged, handover, or empty"}
	pLockState  = property{name: "state", about: "held, reserved or free"}
	pUsed       = property{name: "used", is: aNumber, about: "permits in use"}
	pQueueTotal = property{name: "queued", is: aNumber, about: "how many wait"}
)

var (
	openedShape = &shape{"SessionOpened", "A session that was opened.", []property{
		pSession, {name: "secret", about: "shown once; proves in the header " + SecretHeader + " that the session is yours"}, pTTL, pNow, pDeadline, pEarly}}
	lossShape = &shape{"Loss", "A hold that ended although its holder did not ask for it. It is told until it is acknowledged.", []property{
		pName, pWaiter, pToken, pOwner, pMode, pReason, pActor, pWhy, pAt, pUntil}}
	renewedShape = &shape{"SessionRenewed", "A session that was extended.", []property{
		pSession, pTTL, pNow, pDeadline, pEarly,
		{name: "losses", is: objects, of: lossShape, about: "the first 64 losses that are not acknowledged, oldest first"},
		{name: "losses_total", is: aNumber, about: "how many there are"}}}
	sessionProperties = []property{
		pSession, pClient, pTTL, pNow, pDeadline, pRemaining, pEarly,
		{name: "holds_total", is: aNumber, about: "how many locks it holds"},
		{name: "waits_total", is: aNumber, about: "how many it waits for"},
		{name: "losses_total", is: aNumber, about: "losses that are not acknowledged"},
		{name: "node", is: aFlag, about: "the session of a node itself"},
		{name: "killed", about: "the operator's reason when it was killed, else empty"},
		{name: "meta", about: "what the session's client says of itself"}}
	sessionShape     = &shape{"Session", "A session.", sessionProperties}
	sessionListShape = &shape{"SessionList", "A page of sessions.", []property{pCursor, pPosition, pNow, {name: "sessions", is: objects, of: sessionShape, about: "sessions"}}}
	sessionHoldShape = &shape{"SessionHold", "What a session holds.", []property{
		pName, pMode, pToken, pWaiter, pOwner, pCount, pPermits, pSince, pDeadline, pMeta}}
	sessionWaitShape = &shape{"SessionWait", "What a session waits for.", []property{pName, pMode, pWaiter, pOwner, pQueued, pDeadline}}
	sessionInfoShape = &shape{"SessionInfo", "A session with what it holds and waits for.", join(sessionProperties, []property{
		{name: "holds", is: objects, of: sessionHoldShape, about: "at most 1000"},
		{name: "waits", is: objects, of: sessionWaitShape, about: "at most 1000"}})}
	killedShape = &shape{"SessionKilled", "A session that was killed.", []property{pSession, pAt, pNow}}

	grantShape = &shape{"Grant", "A lock that is held.", []property{
		pToken, pRemaining, pNow, pDeadline, pWaiter, pMode, pName, {name: "names", is: manyTexts, about: "all names of the grant"}, pCount,
		{name: "until_ms", is: aNumber, about: "replicated instant at which max_hold_ms ends it, 0 for none"}, pWaited, pPermits, pLimit}}
	placeShape = &shape{"Place", "A place in the queue; ask what became of it with await.", []property{
		pQueued, pWaiter, pName, pNow, {name: "deadline_ms", is: aNumber, about: "replicated instant at which the wait ends"}}}
	releasedShape = &shape{"Released", "What is left of a hold that was given back.", []property{
		{name: "count", is: aNumber, about: "how often a reentrant owner still holds it; 0: it is over"}}}

	nameProperties = []property{
		pName, pLockState, pMode, pToken, pLimit, pUsed, pQueueTotal, pNow, pDeadline, pRemaining, pReserved,
		{name: "until_ms", is: aNumber, about: "replicated instant at which the reservation ends, 0 for none"}}
	holderShape = &shape{"Holder", "Who holds a lock.", []property{
		pSession, pOwner, pClient, pWaiter, pToken, pMode, pPermits, pCount, pSince, pHeld, pWaited, pDeadline, pRemaining,
		{name: "until_ms", is: aNumber, about: "replicated instant at which max_hold_ms ends it, 0 for none"}, pMeta,
		{name: "kept", about: "empty; or why the place of a hold that is over is kept until deadline_ms"}}}
	waiterShape = &shape{"Waiter", "Who waits for a lock.", []property{
		pSession, pOwner, pClient, pWaiter, pMode, pPermits, pQueued, pSince, pDeadline, pMeta}}
	lockShape = &shape{"Lock", "A name with its holders and waiters.", join(nameProperties, []property{
		pHolders,
		{name: "holders", is: objects, of: holderShape, about: "at most 100"},
		{name: "waiters", is: objects, of: waiterShape, about: "at most 100, in order"}})}
	lockSummaryShape = &shape{"LockSummary", "A name in a list, with its first holder.", join(nameProperties, []property{
		{name: "holder", about: "who holds it, for people"}, pSession, pOwner, pClient, pWaiter, pHolders})}
	lockListShape = &shape{"LockList", "A page of names.", []property{pCursor, pPosition, pNow, {name: "locks", is: objects, of: lockSummaryShape, about: "names"}}}
	pastShape     = &shape{"PastHolder", "Who held a lock before.", []property{
		pToken, pWaiter, pMode, pPermits, pSession, pOwner, pClient, pMeta, pWaited, pHeld, pSince,
		{name: "ended_ms", is: aNumber, about: "replicated instant at which it ended"}, pReason, pActor, pWhy}}
	historyShape = &shape{"History", "The last holders of a lock.", []property{{name: "history", is: objects, of: pastShape, about: "newest first"}}}
	forcedShape  = &shape{"ForceUnlocked", "What a force-unlock did.", []property{
		{name: "ended", is: aNumber, about: "holds that ended"},
		{name: "until_ms", is: aNumber, about: "replicated instant at which the next grant comes at the latest; 0: it has come"}, pNow}}
	checkShape = &shape{"Check", "Whether a hold is the present one.", []property{
		pName, {name: "hold", about: "as it was asked"}, {name: "valid", is: aFlag, about: "true only for the present holder"},
		{name: "state", about: "current, stale, ended, unknown or needs_waiter"}, pMode,
		{name: "token", is: aToken, about: "token of the present hold"}, pRemaining}}
	checksShape = &shape{"Checks", "Answers to checks, all of one moment.", []property{{name: "checks", is: objects, of: checkShape, about: "in the order asked"}}}

	leaderShape = &shape{"Leader", "Who leads.", []property{
		{name: "leader", is: aMaybe, about: "owner of the leader, its session when it has none, or null: nobody leads"},
		{name: "value", about: "what the leader says"}, pToken, pWaiter, pSession, pClient, pSince, pNow, pDeadline,
		{name: "until_ms", is: aNumber, about: "replicated instant at which a reservation ends, 0 for none"},
		{name: "candidates", is: aNumber, about: "how many wait"}}}
	candidatesShape  = &shape{"Candidates", "Who waits for the leadership.", []property{{name: "candidates", is: objects, of: waiterShape, about: "in order"}}}
	transferredShape = &shape{"Transferred", "Who leads next.", []property{
		{name: "leader", about: "owner of the next leader, or its session"}, pWaiter,
		{name: "pending", is: aFlag, about: "it has not begun yet"}, {name: "token", is: aToken, about: "token of the next leader, 0 while it is pending"}}}

	eventShape = &shape{"Event", "A change, at its position in the log.", []property{
		pPosition, pAt,
		{name: "type", about: "began, ended, queued, waiter_granted, waiter_gone, reserved, vacant, described, lost, acknowledged, session_ended or session_killed"},
		pName, {name: "database", is: aNumber, about: "database of the name; native locks live in 0"}, pToken, pWaiter, pMode, pSession, pOwner,
		{name: "holder", about: "who, for people"}, pReason, pActor, pWhy, pMeta, pUntil}}
	eventPageShape = &shape{"EventPage", "Changes after a position.", []property{pPosition, {name: "events", is: objects, of: eventShape, about: "in log order"}}}
)
