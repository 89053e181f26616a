package rule

// lockRules are those of native locks: owners, waits and what is left behind.
var lockRules = []Rule{
	red("S12", "owner", "The owner of a lock is an owner id within a session, so two of one session exclude each other.",
		"fsm", "TestS12_OwnersOfOneSessionExcludeEachOther",
		edit("fsm/holds_acquire.go", `		id, a, found := s.acquireOf(key, op.By.Session, op.Owner)
`, `		id, a, found := s.firstHolder(key)
		found = found && a.session == op.By.Session
`)),
	red("S12", "once", "A reentrant owner is counted once for a request.",
		"fsm", "TestS12_OwnersOfOneSessionExcludeEachOther",
		edit("fsm/numbered.go", `	if record, found := s.results.get(resultKey{op.By.Session, op.Number}); found {
`, `	if record, found := s.results.get(resultKey{op.By.Session, op.Number}); found && record.lock == "never" {
`)),
	red("S12", "opt-in", "Only who wants to hold a lock more than once is counted more than once.",
		"fsm", "TestS12_OwnersOfOneSessionExcludeEachOther",
		edit("fsm/holds_acquire.go", `		case a.stage == stageHeld && op.Reentrant:
`, `		case a.stage == stageHeld:
`)),
	red("S12", "circles", "Who waits for whom is asked of owners, never of sessions.",
		"fsm", "TestS12_OwnersOfOneSessionExcludeEachOther",
		edit("fsm/deadlock.go", `		return party{session: a.session, owner: a.owner}
`, `		return party{session: a.session}
`), edit("fsm/holds_queue.go", `	s.owners.from(ownerKey{session: session, owner: owner}, func(k ownerKey, _ none) bool {
		return k.session == session && k.owner == owner && yield(k.name, k.id)
`, `	s.owners.from(ownerKey{session: session}, func(k ownerKey, _ none) bool {
		return k.session == session && yield(k.name, k.id)
`)),
	red("S12", "several", "An owner without an id may be several, and is never part of a circle.",
		"fsm", "TestS12_OwnersOfOneSessionExcludeEachOther",
		edit("fsm/deadlock.go", `	if a.named() {
		return party{session: a.session, owner: a.owner}
	}
	return party{id: id}
`, `	return party{session: a.session, owner: a.owner}
`, `	if !a.named() || !s.involved(a) {
`, `	if a.session.IsZero() {
`, `	if !a.named() {
		return
	}
	l.s.eachOfOwner(p.session, p.owner, func(key nameKey, other command.WaiterID) bool {
		if record, _ := l.s.acquires.get(other); record.stage == stageWaiting {
			l.want(other, record)
		}
		return true
	})
`, `	l.s.acquires.all(func(other command.WaiterID, record acquireRecord) bool {
		if record.stage == stageWaiting && record.session == p.session && record.owner == p.owner {
			l.want(other, record)
		}
		return true
	})
`)),
	red("S12", "handles", "Each handle of the client is an owner of its own.",
		"client", "TestS12_GoroutinesThatShareAHandleExcludeEachOther",
		edit("client/acquire.go", `		a.owner = rand.Text()
`, `		a.owner = rand.Text()[:0] + "one"
`)),
	red("S23", "granted", "A cancel releases the grant if that came first.",
		"fsm", "TestS23_ACancelledAcquireHoldsNothing",
		edit("fsm/locks.go", `	if record.holding == holdingNative && record.waiter == op.Waiter {
		e.end(key, record, ReasonCancelled)
	}
`, `	_ = record
`)),
	red("S23", "place-first", "A cancel takes the place first, so that a name that falls free goes to somebody else.",
		"fsm", "TestS23_ACancelledAcquireHoldsNothing",
		edit("fsm/locks.go", `	// The place goes first, so that a name whose time is over is not handed to the one who leaves.
	if waiter`, `	e.touch(key)
	if waiter`)),
	red("S23", "holds", "A cancel ends a hold that came first, however the acquire is named.",
		"fsm", "TestS23_ACancelIsTheLastWord",
		edit("fsm/holds_release.go", `			e.letGo(id, a, op.Number == 0, ReasonCancelled)
`, `			_ = id
`)),
	red("S23", "before", "A request that was cancelled before it came has no effect when it comes.",
		"fsm", "TestS23_ACancelIsTheLastWord",
		edit("fsm/holds_release.go", `	if op.Number != 0 {
		e.forswear(op)
	}
`, ``)),
	red("S23", "client", "The client withdraws what it waits for no longer.",
		"client", "TestS23_AGivenUpWaitHoldsNothing",
		edit("client/acquire.go", `	_, _, _ = s.client.request(s.ctx, persistent, words...) // every answer says that nothing is held
`, `	_ = words
`)),
	red("S23", "repeated", "The client repeats a cancel until it is answered.",
		"client", "TestS23_ACancelIsRepeatedUntilItIsAnswered",
		edit("client/acquire.go", `	_, _, _ = s.client.request(s.ctx, persistent, words...) // every`, `	_, _, _ = s.client.request(s.ctx, s.client.once(), words...) // every`)),
	red("S24", "dead", "Nothing is handed to a session that has ended.",
		"fsm", "TestS24_NothingIsHandedToTheDeadAndNobodyBarges",
		edit("fsm/ownership.go", `		case !waiter.bound.IsZero() && !s.alive(waiter.bound):
`, `		case !waiter.bound.IsZero() && !s.sessions.has(waiter.bound):
`)),
	red("S24", "late", "Nothing is handed to a waiter whose wait is over.",
		"fsm", "TestS24_NothingIsHandedToTheDeadAndNobodyBarges",
		edit("fsm/ownership.go", `		case waiter.deadline <= s.now:
`, `		case waiter.deadline < 0:
`)),
	red("S24", "queue", "Who comes does not overtake who waits, also on a name whose holder has just gone.",
		"fsm", "TestS24_NothingIsHandedToTheDeadAndNobodyBarges",
		edit("fsm/view.go", `	return r.holding == holdingNone && (r.queued > 0 || r.deadline != 0)
`, `	return r.holding == holdingNone && r.deadline != 0
`), edit("fsm/ownership.go", `	if record.queued > 0 {
		e.handOver(key)
	}
	record, _ = s.names.get(key)
	return record
`, `	record, _ = s.names.get(key)
	return record
`)),
	red("S24", "readers", "A reader does not overtake a writer that waits.",
		"fsm", "TestS24_HoldsSkipTheDeadAndNobodyBarges",
		edit("fsm/holds_acquire.go", `if record.queued > 0 || record.holding == holdingString`, `if record.holding == holdingString`)),
	red("S24", "holds-dead", "No hold is granted to a session that has ended.",
		"fsm", "TestS24_HoldsSkipTheDeadAndNobodyBarges",
		edit("fsm/ownership.go", `		case !waiter.bound.IsZero() && !s.alive(waiter.bound):
`, `		case !waiter.bound.IsZero() && !s.sessions.has(waiter.bound):
`)),
	red("S38", "floor", "The floor of a lock outlives whoever held it, however the hold ended.",
		"fsm", "TestS38_AFloorOutlivesItsHolder",
		edit("fsm/holds_end.go", `	if a.atLeast > 0 {
		until = `, `	if a.atLeast > 0 && end.reason == ReasonReleased {
		until = `)),
	red("S38", "released", "A release does not end the floor either.",
		"fsm", "TestS38_AFloorOutlivesItsHolder",
		edit("fsm/holds_end.go", `	if a.atLeast > 0 {
		until = `, `	if a.atLeast > 0 && !end.wished {
		until = `)),
}

// namespaceRules are those by which Redis commands and native locks keep off each other.
var namespaceRules = []Rule{
	red("S11", "condition", "A condition on a name that is held natively is answered as if another value stood there.",
		"transport/resp", "TestS11_RedisCommandsNeverChangeANativeHold",
		edit("fsm/keys_write.go", `	present := r.holding == holdingString
`, `	present := r.holding != holdingNone
`)),
	red("S11", "overwrite", "A plain write of a name that is held natively is refused.",
		"fsm", "TestS11_NoRedisCommandChangesANativeHold",
		edit("fsm/keys_write.go", `	if record.locked() && (op.Condition == command.Always || op.Condition == command.IfNotEqual) {
`, `	if record.locked() && op.Condition == command.IfNotEqual {
`)),
	red("S11", "unlocked", "So is every write that asks nothing.",
		"fsm", "TestS11_NoRedisCommandChangesANativeHold",
		edit("fsm/keys_write.go", `	if problem == nil && record.locked() {
`, `	if problem == nil && record.locked() && name.Key == "" {
`)),
	red("S11", "half", "A command of several keys does nothing at all when one of them is held natively.",
		"fsm", "TestS11_EveryRedisWriteAgainstEveryNativeState",
		edit("fsm/keys_write.go", `		case record.locked():
			return lockedError(key, record)
		}
	}
	for _, pair := range op.Pairs {
		key := keyOf(pair.Name)
		record, _ := e.m.state.names.get(key)
		e.setString`, `		case key.key == "":
		}
	}
	for _, pair := range op.Pairs {
		key := keyOf(pair.Name)
		record, _ := e.m.state.names.get(key)
		if record.locked() {
			return lockedError(key, record)
		}
		e.setString`)),
	red("S11", "delete", "A delete of a name that is held natively is refused with LOCKED.",
		"transport/resp", "TestS11_RedisCommandsNeverChangeANativeHold",
		edit("fsm/keys_write.go", `		if record.locked() {
			return lockedError(key, record)
		}
	}
	var count int64
`, `		if record.locked() && key.key == "" {
			return lockedError(key, record)
		}
	}
	var count int64
`)),
	red("S11", "opaque", "What GET answers of a name that is held natively equals nothing that a script compares with.",
		"fsm", "TestS11_EveryRedisWriteAgainstEveryNativeState",
		edit("fsm/keys_read.go", `	case v.moment != "":
`, `	case v.moment == "never":
`, `	case !v.script.IsZero():
`, `	case v.script.Index == 1<<60:
`)),
	red("S11", "reverse", "A native acquire waits while a Redis value stands there.",
		"fsm", "TestS11_EveryNativeCommandAgainstARedisValue",
		edit("fsm/holds_acquire.go", `record.queued > 0 || record.holding == holdingString || !lock.fits(&a)`, `record.queued > 0 || !lock.fits(&a)`)),
	red("S11", "reverse-release", "A native release never touches a Redis value.",
		"transport/resp", "TestS11_NativeCommandsNeverChangeARedisHold",
		edit("fsm/locks.go", `	if record.holding != holdingNative || record.token != op.Token || record.session != op.Session {
		return notHeld`, `	if record.token != op.Token || record.session != op.Session {
		return notHeld`), edit("fsm/holds_release.go", `	case 0:
		gone := s.noSuchHold(key, hold)
		problem = &gone
`, `	case 0:
		gone := s.noSuchHold(key, hold)
		if record, _ := s.names.get(key); record.holding == holdingString && record.token == hold.Token {
			s.names.remove(key)
		}
		problem = &gone
`)),
	red("S11", "watch", "WATCH sees native grants and their ends.",
		"transport/resp", "TestS11_WatchSeesNativeGrants",
		edit("fsm/holds.go", `	record.revision = s.nextRevision()
	if record.holding == holdingNone {
`, `	if record.holding == holdingNone {
`)),
}
