package rule

// readRules are those of linearizable reads.
var readRules = []Rule{
	red("S15", "judged", "Whether something exists is judged at the instant of the state.",
		"fsm", "TestS15_ReadsWaitForDeadlinesThatAreNotCommitted",
		edit("fsm/view.go", `		if deadline, ended := v.s.lifeOf(record); !ended {
			v.passed(deadline)
`, `		if deadline, ended := v.s.lifeOf(record); !ended && (deadline == 0 || deadline > v.clock) {
			v.passed(deadline)
`)),
	red("S15", "waits", "A read whose clock has passed a deadline waits for the entry that commits it.",
		"fsm", "TestS15_ReadsWaitForDeadlinesThatAreNotCommitted",
		edit("fsm/view.go", `	if deadline > v.s.now && deadline <= v.clock {
`, `	if deadline > v.s.now && deadline < v.s.now {
`)),
	red("S15", "round", "A read that has to wait is not answered before.",
		"raftnode", "TestS15_AReadBeyondADeadlineWaitsUntilItIsCommitted",
		edit("raftnode/reads.go", `		if wait == 0 {
			request.done(result{replies: replies, fate: fateDone})
			continue
`, `		if wait >= 0 {
			request.done(result{replies: replies, fate: fateDone})
			continue
`)),
	red("S16", "majority", "A read round needs the word of a majority of the voters.",
		"raftnode", "TestS16_AReadRoundNeedsAMajorityOfTheVoters",
		edit("raftnode/reads.go", `	agreed, needed := 1, voters/2+1
`, `	agreed, needed := 1, min(voters, 1)
`)),
	red("S16", "term", "The word is that of the leader's own term.",
		"raftnode", "TestS16_AReadRoundNeedsAMajorityOfTheVoters",
		edit("raftnode/reads.go", `		case term == r.term:
`, `		case term > 0:
`)),
	red("S16", "machine", "A read waits for what the machine has run, not for what was queued for it.",
		"raftnode", "TestS16_AReadWaitsForTheMachineNotForWhatWasQueued",
		edit("raftnode/reads.go", `	return r.progress.waitIndex(ctx, index) == nil
`, `	return index > 0 || ctx.Err() == nil
`)),
	red("S16", "barrier", "A term serves nothing before its barrier is applied.",
		"raftnode", "TestS16_ANewLeaderReadsWhatItsPredecessorAcknowledged",
		edit("raftnode/reign.go", `	if err := n.passBarrier(ctx, term); err != nil {
		return nil, err
	}
`, ``)),
}
