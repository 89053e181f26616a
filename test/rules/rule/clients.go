package rule

// clientRules are those of the Go client and of commands that run under a lock.
var clientRules = []Rule{
	red("S4", "rates", "A holder counts with clocks that run apart as far as is tolerated, and stops before the cluster grants anybody else.",
		"client", "TestS04_LostBeforeTheClusterGrantsAnyoneElse",
		edit("client/deadline.go", `	certain := time.Duration(float64(span) * (1 - c.rateTolerance) / (1 + c.rateTolerance))
`, `	certain := span
`)),
	red("S4", "first-attempt", "A request that is sent again keeps the send time of its first attempt.",
		"client", "TestS04_ARetryKeepsTheSendTimeOfItsFirstAttempt",
		edit("client/session.go", `	if err := s.opened(answer, sent); err != nil {
`, `	sent = c.clock.now()
	if err := s.opened(answer, sent); err != nil {
`)),
	red("S4", "sending", "A deadline counts from the sending of a keepalive.",
		"client", "TestS04_AKeepaliveCountsFromItsSending",
		edit("client/session.go", `	known := reading{sent: sent, committedMs: committed}
`, `	known := reading{sent: s.client.clock.now(), committedMs: committed}
`)),
	red("S4", "late-answer", "So it does when the answer is late.",
		"client", "TestS04_ALateAnswerCountsFromItsSending",
		edit("client/keepalive.go", `	return s.extend(answer, sent)
`, `	return s.extend(answer, max(sent, s.client.clock.now()))
`)),
	red("S4", "lost-is-lost", "What was lost stays lost.",
		"client", "TestS04_ALostSessionIsNotRevived",
		edit("client/session.go", `	if s.deadline != 0 && s.ends() <= s.client.clock.now() {
`, `	if s.deadline < 0 {
`)),
	red("S4", "waited-lease", "A lease that was waited for counts from its first renewal.",
		"client", "TestS04_AWaitedLeaseCountsFromItsFirstRenew",
		edit("client/lease.go", `	answer, _, err = c.request(ctx, c.repeated(), "LOCK.RENEW", name, l.id)
	if err != nil {
		l.end`, `	if err != nil {
		l.end`)),
	red("S4", "max-hold", "A longest hold ends here before it ends on the cluster.",
		"client", "TestS04_MaxHoldEndsHereFirst",
		edit("client/hold.go",
			`one.deadline <= now && one.ctx.Err() == nil {`, `one.deadline+30*time.Second <= now && one.ctx.Err() == nil {`,
			`			deadline = min(deadline, one.deadline)
`, `			deadline = min(deadline, one.deadline+30*time.Second)
`)),
	red("S5", "after-the-work", "A loss is acknowledged only after the work has stopped.",
		"client", "TestS05_AForcedUnlockIsAcknowledgedAfterTheWork",
		edit("client/losses.go", `		lost.loss = loss
`, `		lost.loss = loss
		s.holds.acknowledge(waiter)
		s.renewSoon()
`)),
	red("S5", "on-its-way", "A grant whose loss was told before it is not believed.",
		"client", "TestS05_AnOldGrantIsNotBelievedAfterItsLoss",
		edit("client/hold.go", `	if loss := s.holds.strangers[granted.waiter]; loss != nil {
		return nil, loss
	}
`, ``)),
	red("S5", "ack-repeated", "An acknowledgement is repeated until it is answered.",
		"client", "TestS05_AnAcknowledgementIsRepeated",
		edit("client/losses.go", `		if err == nil || hasCode(err, "NOSESSION") {
`, `		if err == nil || attempt > 0 {
`)),
	red("S5", "as-a-whole", "A reentrant hold is acknowledged with its last release.",
		"client", "TestS05_AReentrantHoldIsLostAsAWhole",
		edit("client/held.go", `	case loss != nil && last:
`, `	case loss != nil && (last || s != nil):
`)),
	red("S5", "cluster", "With a real cluster, a forced unlock ends the holder's work before the next holder begins.",
		"client", "TestS05_ForcedAgainstACluster",
		edit("fsm/holds_end.go", `	if e.lose(id, a, end) && end.until > s.now && !end.now {
`, `	if e.lose(id, a, end) && end.until < 0 {
`)),
	red("S31", "cut-off", "A holder that is cut off is told before the server can grant anybody else.",
		"client", "TestS04_S31_ACutOffHolderStopsBeforeTheNextBegins",
		edit("client/deadline.go", `	certain := time.Duration(float64(span) * (1 - c.rateTolerance) / (1 + c.rateTolerance))
	return known.sent + certain - c.margin
`, `	return known.sent + 3*span/2
`)),
	red("S31", "before-the-deadline", "A command under a lock, with all that it started, is killed before the lock's deadline.",
		"cmd/coordd/internal/underlock", "TestS31_FamilyIsGoneBeforeTheDeadline",
		edit("cmd/coordd/internal/underlock/schedule.go",
			`	case left <= s.Settle:
`, `	case left <= 0 && s.OnLost == Kill:
`,
			`	case s.OnLost == Term && left <= s.Settle+s.Grace:
`, `	case s.OnLost == Term && left <= 0:
`,
			`{ return deadline - s.Settle/2 }`, `{ return deadline + 5*time.Second }`)),
	red("S31", "all-of-it", "What the command started is ended with it, also what left its process group.",
		"cmd/coordd/internal/underlock", "TestS31_FamilyIsGoneBeforeTheDeadline",
		edit("cmd/coordd/internal/underlock/family_linux.go", `		related := one.group == f.group && f.group != 0 || descends(pid) && one.session == session
`, `		related := one.group == f.group && f.group != 0 || descends(pid) && one.session == session && f.group == 0
`)),
	red("S31", "keeper-killed", "When the process that keeps the lock is killed, the other one ends what runs.",
		"cmd/coordd/internal/underlock", "TestS31_KeeperIsKilled",
		edit("cmd/coordd/internal/underlock/front.go", `	f.finish(grace)
	if f.status.Signaled() {
`, `	if f.status.Signaled() {
`), edit("cmd/coordd/internal/underlock/family_linux.go", `		attributes.Pdeathsig = syscall.SIGKILL
`, `		attributes.Pdeathsig = 0
`)),
	red("S31", "keeper-stopped", "When the process that keeps the lock is stopped, the other one kills what runs before the deadline.",
		"cmd/coordd/internal/underlock", "TestS31_KeeperIsStopped",
		edit("cmd/coordd/internal/underlock/schedule.go", `{ return deadline - s.Settle/2 }`, `{ return deadline - s.Settle/2 + 2*time.Second }`)),
	red("S31", "front-killed", "When the process that was to tell the command's end is killed, what runs is ended before the lock is given back.",
		"cmd/coordd/internal/underlock", "TestS31_FrontIsKilled",
		edit("cmd/coordd/internal/underlock/watch.go", `	w.gone = w.exited && w.family.gone()
`, `	w.gone = w.exited && w.family.gone() || w.words == nil
`)),
}

// guardRules are those of resources that refuse late holders.
var guardRules = []Rule{
	red("S19", "asked", "Of a permit the cluster is asked whether it is held.",
		"client/guard", "TestS19_APermitIsAskedForAndNeverMarked",
		edit("client/guard/permit.go", `	if err == nil && !held {
`, `	if err == nil && !held && p.fence.lock == "" {
`)),
	red("S19", "not-marked", "A permit is never judged by the newest token.",
		"client/guard", "TestS19_APermitIsAskedForAndNeverMarked",
		edit("client/guard/permit.go", `	if err == nil && !held {
`, `	if newestPermit = max(newestPermit, p.fence.token); err == nil && (!held || p.fence.token < newestPermit) {
`, `// HeldFunc asks`, `var newestPermit uint64

// HeldFunc asks`)),
	red("S20", "first", "A holder's transaction advances the mark before anything else.",
		"client/guard/sqlguard", "TestS20_TheMarkIsAdvancedBeforeAnythingElse",
		edit("client/guard/sqlguard/run.go", `	err = admit(ctx, tx, fence)
	if err == nil && g.options.Verify != nil {
`, `	if err = error(nil); admit != nil && g.options.Verify != nil {
`)),
	red("S20", "durable", "A middleware's mark is on the disk before its request is let in.",
		"client/guard/httpguard", "TestS20_AMarkInAFileSurvivesARestart",
		edit("client/guard/httpguard/file.go", `map[string]*gate{}, DefaultMaxLocks, f.write
`, `map[string]*gate{}, DefaultMaxLocks, func(guard.Fence) error { return f.fault }
`)),
}
