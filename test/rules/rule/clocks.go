package rule

// clockRules are those of replicated time, of terms, and of who leads.
var clockRules = []Rule{
	red("S2", "machine", "An entry that was stamped in another term than Raft gave it runs nothing.",
		"fsm", "TestS02_AStampOfAnotherReignRunsNothing",
		edit("fsm/machine.go", `TermMatched: err == nil && entry.Term == term}`, `TermMatched: err == nil}`)),
	red("S2", "proposer", "A reign ends when an entry of it landed in another term, and nothing of the entry is answered as done.",
		"raftnode", "TestS02_AnEntryThatLandsInAnotherTermLeavesNothingAndIsNotAnswered",
		edit("fsm/machine.go", `TermMatched: err == nil && entry.Term == term}`, `TermMatched: err == nil}`)),
	red("S9", "base", "A term's clock begins at the instant of the applied state.",
		"raftnode", "TestS09_ATermsClockBeginsAtTheAppliedInstant",
		edit("raftnode/leader_clock.go", `	base := applied()
`, `	base := command.Instant(monotonic().Milliseconds())
`)),
	red("S9", "sealed", "An entry is stamped when it is sealed.",
		"raftnode", "TestS09_AnEntryIsStampedWhenItIsSealed",
		edit("raftnode/proposer_seal.go", `	instant, monotonic := p.clock.reading()
	p.lastStamp = monotonic
`, `	_, monotonic := p.clock.reading()
	instant := p.machine.Now()
	p.lastStamp = monotonic
`)),
	red("S13", "lead", "A leader's clock never runs more than half a second ahead of the applied instant.",
		"raftnode", "TestS13_NoSessionEndsBecauseEveryNodeWasStopped",
		edit("raftnode/leader_clock.go", `const maxLead = 500 * time.Millisecond`, `const maxLead = time.Hour`)),
	red("S13", "for-ever", "What exceeds that is dropped for ever, not caught up.",
		"raftnode", "TestS13_TimeInWhichNothingCommittedIsDroppedForEver",
		edit("raftnode/leader_clock.go", `		c.base = c.base.Add(-surplus.Milliseconds())
`, ``)),
	red("S14", "at-once", "A leader whose process has visibly died is not waited for.",
		"raftnode", "TestS14_ACrashedLeaderIsReplacedAtOnce",
		edit("raftnode/suspicion.go", `if !ok || !n.suspicion.justEnded(lost.leader) || !n.dialsRefused(ctx, target) {`, `if !ok || !n.suspicion.justEnded(lost.leader) || !n.dialsRefused(ctx, target) || rankStagger > 0 {`)),
	red("S14", "majority", "A follower stands early only when a majority lost the leader in the same way, and nobody hears it.",
		"raftnode", "TestS14_TwoNodesThatCannotReachEachOtherDoNotDeposeEachOther",
		edit("raftnode/suspicion.go", `		case peer.LostLeaderVeto:
			return false
`, `		case peer.LostLeaderVeto:
`, `	return agreed >= count/2+1
`, `	return agreed >= min(1, count)
`)),
	red("S27", "no-deadline", "No deadline moves with Unix time.",
		"fsm", "TestS27_UnixTimeMovesNoDeadline",
		edit("fsm/expiry.go", `	s.clockOffset = op.Milliseconds
`, `	s.now = s.now.Add(op.Milliseconds - s.clockOffset)
	s.clockOffset = op.Milliseconds
`)),
	red("S27", "median", "One wrong clock of three moves nothing.",
		"raftnode", "TestS27_OneWrongClockMovesNothing",
		edit("raftnode/unix_clock.go", `	return values[(len(values)-1)/2]
`, `	return values[len(values)-1]
`)),
	red("S27", "voters", "Unix time is that of the voters, not the leader's own.",
		"raftnode", "TestS27_UnixTimeFollowsTheMedianOfTheVoters",
		edit("raftnode/unix_clock.go", `	for range others {
		distances = append(distances, <-answers...)
	}
	return median(distances), len(distances) > voters/2
`, `	for range others {
		<-answers
	}
	return median(distances), len(distances) > voters/2-1
`)),
	red("S27", "outage", "Time without a cluster counts against no lease.",
		"raftnode", "TestS27_ThreeHoursWithoutAClusterCountAgainstNoLease",
		edit("raftnode/leader_clock.go",
			`base: base, told: base, start: monotonic()}`, `base: base, told: base, start: 0}`,
			`const maxLead = 500 * time.Millisecond`, `const maxLead = 1000 * time.Hour`)),
	red("S30", "tick", "While the state holds a deadline and nothing was stamped for 250 ms, the leader commits a tick.",
		"raftnode", "TestS30_ALeaderTicksWhileTheStateHoldsADeadline",
		edit("raftnode/housekeeping.go", `	if untilTick <= 0 {
		return tick, 0
	}
`, `	if untilTick <= 0 {
		return nothing, 0
	}
`)),
	red("S30", "deadlines", "All that ends by itself is a deadline of the state: of waits too.",
		"fsm", "TestS30_EverythingThatEndsIsADeadline",
		edit("fsm/waiters.go", `	s.deadlines.put(deadlineKey{at: waiter.deadline, class: deadlineWaiter, name: key, id: e.position}, none{})
`, ``)),
	red("S36", "machine", "A machine whose state differs from its leader's says so and runs nothing any more.",
		"fsm", "TestS36_AMachineThatDiffersSaysSo",
		edit("fsm/machine.go", `if err := m.hashes.check(tick, s.index); err != nil {`, `if err := m.hashes.check(tick, s.index); err != nil && i < 0 {`)),
	red("S36", "all", "The chain covers all that the state holds.",
		"fsm", "TestS36_AMachineThatDiffersSaysSo",
		edit("fsm/state.go", `uint64(s.clockOffset), s.tokenBase, s.revision,`, `uint64(s.clockOffset), s.revision,`)),
	red("S36", "state-alone", "The hash is that of the state, however it came to be.",
		"fsm", "TestS36_TheSumDependsOnTheStateAlone",
		edit("fsm/table.go", `	if old := c.old; old != nil && old.summed {
		t.journal.sum -= old.hash
	} else if`, `	if old := c.old; old != nil && old.summed {
		t.journal.sum -= old.hash / 3
	} else if`)),
	red("S36", "told", "The leader's tick tells the hash, and a node that differs stops serving.",
		"raftnode", "TestS36_ANodeWhoseStateDiffersStopsServing",
		edit("raftnode/proposer_seal.go", `command.Tick{HashIndex: index, Hash: hash}`, `command.Tick{HashIndex: min(index, hash, 0)}`)),
}
