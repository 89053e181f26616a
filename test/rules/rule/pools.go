package rule

// poolRules are those of worker pools: the invariants of hand-over, and safety case S28.
var poolRules = []Rule{
	red("S28", "delete", "A pool is deleted by its incarnation.",
		"fsm", "TestS28_ADeleteMeansOneIncarnation",
		edit("fsm/pools_admin.go", `if there, ok := s.pools.get(op.Pool); !ok || there.incarnation != op.Incarnation {`, `if !s.pools.has(op.Pool) {`)),
	red("S28", "partitions", "The number of partitions is fixed when a pool is made.",
		"fsm", "TestS28_APoolMadeAnewIsAnotherOne",
		edit("fsm/pools_admin.go", `if there.partitions != op.Partitions || there.settings != op.Settings {`, `if there.settings != op.Settings {`)),
	red("S28", "tokens-rise", "The first grants of a pool are not made in the entry that made it.",
		"fsm", "TestS28_APoolMadeAnewIsAnotherOne",
		edit("fsm/pools_handover.go", `if part.token == s.token() || p.record.incarnation.Index == s.index {`, `if part.token == s.token() {`)),
	red("S28", "other-table", "The table of another incarnation is not continued.",
		"fsm", "TestS28_APoolMadeAnewIsAnotherOne",
		edit("fsm/pools_read.go", `if op.Incarnation != record.incarnation || since > record.version {`, `if since > record.version {`)),
	red("S28", "old-token", "A partition is given back under the token of its present ownership.",
		"fsm", "TestS28_APoolMadeAnewIsAnotherOne",
		edit("fsm/pools_handover.go", `if part.owner == op.Member.Worker && part.token == r.Token {`, `if part.owner == op.Member.Worker {`)),
	red("S28", "future", "A table of a version that the pool does not have is answered whole.",
		"fsm", "TestS28_ATableFromTheFutureIsWhole",
		edit("fsm/pools_read.go", `if op.Incarnation != record.incarnation || since > record.version {`, `if op.Incarnation != record.incarnation {`)),
	red("S28", "takeover", "A worker's id is taken over only with the old session's secret.",
		"fsm", "TestS28_AnIDIsTakenOverOnlyWithTheOldSecret",
		edit("fsm/pools_workers.go", `if op.Old == old.session && subtle.ConstantTimeCompare(session.secretHash[:], op.OldSecretHash[:]) == 1 {`,
			`if op.Old == old.session && subtle.ConstantTimeCompare(session.secretHash[:], op.OldSecretHash[:]) >= 0 {`)),
	red("S28", "taken-over", "What the old session says after a takeover counts for nothing.",
		"fsm", "TestS28_AnIDIsTakenOverOnlyWithTheOldSecret",
		edit("fsm/pools_workers.go", `if !ok || w.state == workerReserved || w.session != m.Session {`, `if !ok || w.state == workerReserved {`)),
	red("S28", "evict", "An eviction waits for the worker.",
		"fsm", "TestS28_AnEvictionWaitsForTheWorker",
		edit("fsm/pools_workers.go", `	if op.Now || w.state == workerReserved {
`, `	if op.Now || ok {
`)),
	red("S28", "evicted", "An evicted worker does not keep itself in by joining again.",
		"fsm", "TestS28_AnEvictionWaitsForTheWorker",
		edit("fsm/pools_workers.go", `	} else if known && old.evicted {
`, `	} else if known && old.evicted && id == "" {
`)),
	red("S28", "assignment", "What a worker owns is told to its own session alone.",
		"fsm", "TestAnAssignmentNeedsTheSecret",
		edit("fsm/pools_read.go", `	session, problem := v.s.authorize(op.Member.Session, op.Member.SecretHash)
`, `	session, _ := v.s.sessions.get(op.Member.Session)
	var problem *command.Reply
`)),
	red("S28", "router", "A worker refuses a request for another incarnation of its pool.",
		"client", "TestS28_RouterAndWorkerKeepToTheirPool",
		edit("client/worker.go", `	if own := w.router.Incarnation(); incarnation != own {
`, `	if own := w.router.Incarnation(); incarnation == "" {
`)),
	red("I1", "snapshot", "A snapshot holds the state of its moment: rows are never changed in place.",
		"fsm", "TestI1_ASnapshotDoesNotChange",
		edit("fsm/pools.go", `		copy(parts, p.chunk(i))
`, `		if old := p.chunk(i); old != nil {
			parts = old
		}
`)),
	red("I1", "restored", "A restored pool goes on alike: snapshots hold the targets.",
		"fsm", "TestI1_RestoredPoolGoesOnAlike",
		edit("fsm/snapshot.go", `	if err := in.readTables(s.tables()); err != nil {
		return err
	}`, `	if err := in.readTables(s.tables()); err != nil {
		return err
	}
	s.targets.all(func(pool string, target targetRecord) bool {
		empty, _ := target.table.Next(nil)
		s.targets.put(pool, targetRecord{empty})
		return false
	})
	rowSum = s.sum`)),
	red("I4", "release-first", "A partition is granted only when nobody owns it.",
		"fsm", "TestPoolsWhateverHappens",
		edit("fsm/pools_handover.go", `		default:
			owner := crew.number[part.owner]
`, `		default:
			if slot != ring.None && crew.takes[slot] && part.token != s.token() {
				p.setPart(partition, partRecord{owner: target.Member(slot).ID, token: s.token()})
				owned[crew.number[target.Member(slot).ID]]++
				continue
			}
			owner := crew.number[part.owner]
`)),
	red("I5", "entry", "A partition's token is the log index of its grant, not its worker's epoch.",
		"fsm", "TestPoolsWhateverHappens",
		edit("fsm/pools_handover.go", `			p.setPart(partition, partRecord{owner: target.Member(slot).ID, token: s.token()})
`, `			owner, _ := p.worker(target.Member(slot).ID)
			p.setPart(partition, partRecord{owner: target.Member(slot).ID, token: command.Token(owner.epoch.Index)})
`)),
	red("I5", "kept", "A partition that nobody owns keeps its last token.",
		"fsm", "TestPoolsWhateverHappens",
		edit("fsm/pools_handover.go", `		if part := p.part(partition); part.owner == worker {
			p.setPart(partition, partRecord{token: part.token})
`, `		if part := p.part(partition); part.owner == worker {
			p.setPart(partition, partRecord{})
`)),
	red("I6", "orphans", "What a lost worker owned does not wait for quiet.",
		"fsm", "TestI6_OrphansNeverWait",
		edit("fsm/pools.go", `	if orphans {
		p.retargetOrphans()
	}
`, `	if orphans {
		p.schedule()
	}
`)),
	red("I6", "settles", "A drain ends, and the partition goes on to its target.",
		"fsm", "TestPoolsWhateverHappens",
		edit("fsm/pools_handover.go", `	if released > 0 {
		p.advance()
	}
`, ``)),
	red("I7", "join", "Who joins twice has joined once.",
		"fsm", "TestI7_TwiceIsOnce",
		edit("fsm/pools_workers.go", `		w.epoch, w.since = old.epoch, old.since
`, `		w.since = old.since
`)),
	red("I7", "evict", "An eviction that comes twice is one.",
		"fsm", "TestI7_AnEvictionThatComesTwiceIsOne",
		edit("fsm/pools_workers.go", `if already := w.state == workerLeaving && w.evicted; !already {`, `if already := w.state == workerLeaving && w.evicted; !already || op.Worker != "" {`)),
	red("I8", "draining", "Nothing drains that is with its target.",
		"fsm", "TestPoolsWhateverHappens",
		edit("fsm/pools_handover.go", `			if part.draining != 0 { // it need not be handed over after all
				part.draining = 0
				p.setPart(partition, part)
			}
`, ``)),
	red("I9", "restart", "Who restarts keeps its place.",
		"fsm", "TestI9_RollingRestartMovesNothing",
		edit("fsm/pools_workers.go", `	if op.Restart > 0 && w.state == workerActive {
`, `	if op.Restart > 0 && w.state != workerActive {
`)),
	red("I9", "grace", "Who is lost within its grace keeps its place.",
		"fsm", "TestI9_RollingRestartMovesNothing",
		edit("fsm/pools_workers.go", `	if w.state == workerActive && w.grace > 0 {
`, `	if w.state == workerActive && w.grace < 0 {
`)),
	red("I9", "others", "A place is kept whatever others do.",
		"fsm", "TestI9_APlaceIsKeptWhateverOthersDo",
		edit("fsm/pools_handover.go", `if w, ok := p.worker(m.ID); ok && w.state != workerLeaving {`, `if w, ok := p.worker(m.ID); ok && w.state == workerActive {`)),
	red("I10", "deltas", "Every change has a version, and is told to whoever asks for what came later.",
		"fsm", "TestPoolsWhateverHappens",
		edit("fsm/pools_read.go", `		if part.changed > since {
`, `		if part.changed > since+1 {
`)),
	red("I10", "event", "Every version is an event.",
		"fsm", "TestI10_EveryVersionIsAnEvent",
		edit("fsm/pools.go", `	if p.record.version != p.before.version {
`, `	if p.record.version > p.before.version+1 {
`)),
	red("I10", "gap", "A router that misses a change reads anew.",
		"client", "TestRouterRepairsAGap",
		edit("client/router_follow.go", `	case !update.whole && update.from > old.version:
`, `	case !update.whole && update.from < 0:
`)),
	red("I11", "deadline", "A session's deadline decides whether its keepalive or its end came first.",
		"fsm", "TestI11_KeepAliveAndExpiry",
		edit("fsm/sessions.go", `	session, ok := s.sessions.get(id)
	if !ok || session.ended(s.now) {
		problem`, `	session, ok := s.sessions.get(id)
	if !ok || session.dead {
		problem`)),
	red("I12", "owner", "A worker does no work on a partition that it does not own.",
		"client", "TestRouterBringsWorkToTheOwner",
		edit("client/worker.go", `	if h != nil && h.serves() && w.session.err() == nil {
`, `	if h == nil || !h.serves() {
		h = &heldPartition{number: partition, ctx: w.session.ctx, phase: phaseServing, idle: make(chan struct{})}
	}
	if w.session.err() == nil {
`)),
	red("I13", "nobody", "Who comes to a pool that nobody works in gets what is there.",
		"fsm", "TestI13_FewPartitionsAndNoWorkers",
		edit("fsm/pools_workers.go", `if slot, ok := p.target().Slot(id); !ok || p.target().Member(slot) != w.member(id) {`, `if slot, ok := p.target().Slot(id); ok && p.target().Member(slot) != w.member(id) {`)),
}

// placementRules are the invariants of placement alone.
var placementRules = []Rule{
	red("I1", "keys", "Where a key belongs is the same in every build.",
		"ring", "TestI1_GoldenVectors",
		edit("ring/partition.go", `	high, _ := bits.Mul64(xxhash.Sum64String(key), uint64(partitions))
	return int(high)
`, `	return int(xxhash.Sum64String(key) % uint64(partitions))
`)),
	red("I1", "tables", "Which table follows which is the same in every build.",
		"ring", "TestI1_GoldenVectors",
		edit("ring/score.go", `{ return mix(partition ^ member) }`, `{ return mix(partition + member) }`)),
	red("I1", "order", "The order in which members are named means nothing.",
		"ring", "TestI1_OrderOfMembersMeansNothing",
		edit("ring/member.go", `	if !slices.IsSortedFunc(members, compareIDs) {
		slices.SortFunc(members, compareIDs)
	}
`, ``)),
	red("I2", "above-the-floor", "Who has more than its floor already is rounded up first.",
		"ring", "TestI2_NoBalancedTableIsNearer",
		edit("ring/quota.go", `claims = append(claims, claim{i, saves(i), remainder})`, `claims = append(claims, claim{i, 0, remainder})`)),
	red("I2", "zones", "Zones that have more keep more.",
		"ring", "TestI2_ZonesThatHaveMoreKeepMore",
		edit("ring/quota.go", `func(i int) int { return surrendered(i, outer[i].quota) - surrendered(i, outer[i].quota+1) })`, `func(int) int { return 0 })`)),
	red("I2", "bound", "No more moves than have to.",
		"ring", "TestI2_MovesReachTheLowerBound",
		edit("ring/quota.go", `claims = append(claims, claim{i, saves(i), remainder})`, `claims = append(claims, claim{i, 0, remainder})`)),
	red("I2", "stays", "Whose member stays, stays.",
		"ring", "TestI2_OnlyTheOneThatChangesGainsOrLoses",
		edit("ring/next.go", `			if known[owner].Weight == 0 {
`, `			if known[owner].Weight == 0 || p%7 == 0 {
`)),
	red("I3", "remainders", "What is left over goes to the largest remainders.",
		"ring", "TestI3_LargestRemaindersAreRoundedUp",
		edit("ring/quota.go", `cmp.Compare(b.remainder, a.remainder)`, `cmp.Compare(a.remainder, b.remainder)`)),
	red("I3", "exact", "A share without remainder is not rounded up.",
		"ring", "TestI3_EverybodyHasItsShare",
		edit("ring/quota.go", `shares[i].weight % total; remainder > 0 {`, `shares[i].weight % total; remainder >= 0 {`, `cmp.Compare(b.remainder, a.remainder)`, `cmp.Compare(a.remainder, b.remainder)`)),
	red("I3", "keys", "Keys spread evenly.",
		"ring", "TestI3_KeysSpreadEvenly",
		edit("ring/partition.go", `bits.Mul64(xxhash.Sum64String(key), uint64(partitions))`, `bits.Mul64(xxhash.Sum64String(key[:len(key)-1]), uint64(partitions))`)),
	red("I9", "same", "The same members move nothing.",
		"ring", "TestI9_TheSameMembersMoveNothing",
		edit("ring/quota.go", `min(1, max(0, shares[i].held-shares[i].quota))`, `min(1, max(0, shares[i].quota-shares[i].held))`)),
	red("I9", "back", "Who comes back gets what was its.",
		"ring", "TestI9_WhoComesBackGetsWhatWasHis",
		edit("ring/score.go", `last != nobody && c.room[last] > 0 {`, `last != nobody && c.room[last] > 1<<30 {`),
		edit("ring/next.go", `sheds(p) && last != nobody && wanted[last] > 0 {`, `sheds(p) && last != nobody && wanted[last] > 1<<30 {`)),
	red("I13", "limits", "What is out of bounds is refused.",
		"ring", "TestI13_BadInput",
		edit("ring/member.go", `	case m.Weight > MaxWeight:
`, `	case m.Weight > 2*MaxWeight:
`)),
	red("I13", "pins", "A pin to a partition that does not exist is refused.",
		"ring", "TestI13_BadPins",
		edit("ring/next.go", `		if c.pinned[pin.Partition] {
			return`, `		if c.pinned[pin.Partition] && pin.ID == "" {
			return`)),
	red("I13", "former", "Former members are forgotten before they are too many to be numbered.",
		"ring", "TestI13_Largest",
		edit("ring/next.go", `	if len(known) > maxKnown {
`, `	if len(known) > 2*maxKnown {
`)),
	red("I13", "few", "Who owned a partition last is remembered while nobody owns it.",
		"ring", "TestI13_FewPartitionsAndNoMembers",
		edit("ring/next.go", `		if before != nobody && before != t.owners[p] {
`, `		if before != nobody && t.owners[p] != nobody && before != t.owners[p] {
`)),
}
