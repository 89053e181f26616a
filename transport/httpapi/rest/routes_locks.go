package rest

import (
	"net/http"

	"github.com/coordd/coordd/fsm/command"
)

// Fields of every acquire.
var (
	fTTL  = field{name: "ttl_ms", in: inBody, kind: number, option: "PX", least: command.MinLockTTL, most: command.MaxLockTTL, about: "instead of a session: the hold's own time to live in milliseconds; extend it with renew"}
	fMeta = field{name: "meta", in: inBody, option: "META", most: command.MaxHoldMetadataBytes, about: "what others see of the holder"}
	fWait = []field{
		{name: "wait_ms", in: inBody, kind: number, option: "WAIT", most: command.MaxWaitMilliseconds, about: "wait in the queue for so long, in milliseconds; 0 or nothing: try"},
		{name: "async", in: inBody, kind: flag, option: "ASYNC", about: "with session and wait_ms: answer the place in the queue at once, with status 202; ask with await"},
		{name: "reentrant", in: inBody, kind: flag, option: "REENTRANT", about: "with owner and request: count up what this owner holds"},
		{name: "max_hold_ms", in: inBody, kind: number, option: "MAXHOLD", least: command.MinMaxHold, most: command.MaxMaxHold, about: "the hold ends so long after its grant, whatever is renewed"},
		{name: "delay_ms", in: inBody, kind: number, option: "DELAY", most: command.MaxLockDelay, about: "when the hold ends without release, nobody gets the name for so long"},
		{name: "at_least_ms", in: inBody, kind: number, option: "ATLEAST", most: command.MaxAtLeast, about: "nobody else gets the name until so long after the grant"},
	}
	fNumbers = []field{fRequest, fLow}
)

func acquireFields(first ...field) []field {
	return append(append(append(first, fTTL, fSession, fOwner, fMeta), fWait...), fNumbers...)
}

// oneOwner says that a hold belongs to a session or has a time to live of its own.
var oneOwner = []string{"session", "ttl_ms"}

var grantAnswer = answer{kind: granted, status: http.StatusOK, shape: grantShape, says: "the grant"}

var lockRoutes = []*route{
	{method: http.MethodGet, pattern: "/v1/locks", id: "listLocks", command: "LOCK.LIST", group: "locks",
		summary: "Lists names that are held, reserved or waited for, a page at a time.",
		fields:  []field{fCursor, fCount, fMatch, {name: "all", in: inQuery, kind: flag, option: "ALL", about: "those with Redis values too"}},
		answer:  answer{status: http.StatusOK, shape: lockListShape, says: "a page of names"}},
	{method: http.MethodGet, pattern: "/v1/locks/{name}", id: "getLock", command: "LOCK.INFO", group: "locks",
		summary: "Tells who holds a name and who waits for it; a name that nobody holds is free.", fields: []field{fName},
		answer: answer{status: http.StatusOK, shape: lockShape, says: "the name"}},
	{method: http.MethodGet, pattern: "/v1/locks/{name}/history", id: "getLockHistory", command: "LOCK.HISTORY", group: "locks",
		summary: "Lists the last holders of a name, and why each ended.",
		fields:  []field{fName, {name: "count", in: inQuery, kind: number, option: "COUNT", least: 1, most: command.MaxHistoryPerLock, about: "how many"}},
		answer:  answer{kind: listed, status: http.StatusOK, shape: historyShape, list: "history", says: "past holders"}},
	{method: http.MethodPost, pattern: "/v1/locks/{name}/acquire", id: "acquireLock", command: "LOCK.ACQUIRE", group: "locks",
		summary: "Takes a lock: tries, or waits in the queue. When the client goes away while it waits, its place is given up, unless the request has a number.",
		fields: acquireFields(fName, field{name: "mode", in: inBody, kind: choice, words: map[string][]string{"exclusive": nil, "shared": {"SHARED"}},
			about: "exclusive when it is not given; shared holders do not exclude each other"}),
		one: oneOwner, answer: grantAnswer},
	{method: http.MethodPost, pattern: "/v1/locks/{name}/await", id: "awaitLock", command: "LOCK.AWAIT", group: "locks",
		summary: "Answers what became of an acquire that waits: its grant, the error that ended it, or its place. Going away does not give the place up.",
		fields: []field{fName, required(field{name: "waiter", in: inBody, about: "id of the acquire"}),
			{name: "timeout_ms", in: inBody, kind: number, option: "TIMEOUT", most: command.MaxWaitMilliseconds, about: "wait for the end for so long, in milliseconds"}},
		answer: grantAnswer},
	{method: http.MethodPost, pattern: "/v1/locks/{name}/renew", id: "renewLock", command: "LOCK.RENEW", group: "locks",
		summary: "Extends a hold that has a time to live of its own.", fields: []field{fName, fHold, fTTL}, answer: answer{status: http.StatusOK, shape: grantShape, says: "the grant with its new deadline"}},
	{method: http.MethodPost, pattern: "/v1/locks/{name}/release", id: "releaseLock", command: "LOCK.RELEASE", group: "locks",
		summary: "Gives a lock back, or one of the times that a reentrant owner has it.",
		fields:  append([]field{fName, fHold, fSession, fOwner, {name: "all", in: inBody, kind: flag, option: "ALL", about: "however often a reentrant owner has it"}}, fNumbers...),
		answer:  answer{kind: counted, status: http.StatusOK, shape: releasedShape, says: "what is left"}},
	{method: http.MethodPost, pattern: "/v1/locks/{name}/cancel", id: "cancelLock", command: "LOCK.CANCEL", group: "locks",
		summary: "Withdraws an acquire that waits, or ends its hold if the grant came first. Repeat it until it is answered.",
		fields: []field{fName, {name: "waiter", in: inBody, about: "id of the acquire"}, {name: "owner", in: inBody, option: "OWNER", most: command.MaxOwnerBytes, about: "or its owner"},
			{name: "number", in: inBody, kind: number, option: "NUMBER", least: 1, most: maxSafe, about: "or the request number under which it was sent"}, fSession},
		one: []string{"waiter", "owner", "number"}, answer: answer{kind: nothing, status: http.StatusNoContent, says: "it waits no more and holds nothing"}},
	{method: http.MethodPut, pattern: "/v1/locks/{name}/meta", id: "describeLock", command: "LOCK.META", group: "locks",
		summary: "Changes what others see of a holder.",
		fields:  []field{fName, fHold, {name: "meta", in: inBody, required: true, most: command.MaxHoldMetadataBytes, about: "the new text"}, fSession, fOwner},
		answer:  answer{kind: nothing, status: http.StatusNoContent, says: "it is changed"}},
	{method: http.MethodPost, pattern: "/v1/locks/{name}/force-unlock", id: "forceUnlock", command: "LOCK.FORCE", group: "locks", operators: true,
		summary: "Takes a lock away from its holders; for operators. The next grant waits until they acknowledged the loss or their last deadline has passed.",
		fields:  []field{fName, fReason, {name: "waiter", in: inBody, option: "WAITER", about: "only this hold"}, fAtOnce},
		answer:  answer{status: http.StatusOK, shape: forcedShape, says: "what was ended"}},
	{method: http.MethodPost, pattern: "/v1/multilocks/acquire", id: "acquireLocks", command: "LOCK.MACQUIRE", group: "locks",
		summary: "Takes several locks as one, all or nothing, with one token. What ends one of them ends all.",
		fields:  acquireFields(field{name: "names", in: inBody, kind: countedAll, required: true, least: 1, most: command.MaxNamesPerLock, about: "the names, none twice"}),
		one:     oneOwner, answer: grantAnswer},
	{method: http.MethodPost, pattern: "/v1/semaphores/{name}/acquire", id: "acquirePermits", command: "SEMAPHORE.ACQUIRE", group: "locks",
		summary: "Takes permits of a semaphore. Await, release, cancel and look at them as at a lock of that name, by waiter id.",
		fields: acquireFields(fName, field{name: "limit", in: inBody, kind: number, required: true, least: 1, most: command.MaxPermits, about: "permits that there are in all; everybody gives the same"},
			field{name: "permits", in: inBody, kind: number, option: "PERMITS", least: 1, most: command.MaxPermits, about: "how many to take, 1 when it is not given"}),
		one: oneOwner, answer: grantAnswer},
	{method: http.MethodPost, pattern: "/v1/check", id: "checkHolds", command: "FENCE.CHECK", group: "locks",
		summary: "Tells, for each hold and all at one moment, whether it is the present one.",
		fields:  []field{{name: "checks", in: inBody, kind: pairs, required: true, least: 1, most: command.MaxChecks, about: "objects with the name of a lock and a hold: a token or a waiter id, as a string"}},
		answer:  answer{kind: listed, status: http.StatusOK, shape: checksShape, list: "checks", says: "an answer to each"}},
}
