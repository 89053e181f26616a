package rule

// memberRules are those of who belongs to a cluster, what a node's disk remembers, and when a node stops.
var memberRules = []Rule{
	red("S1", "meant", "A connection is for one node, and is closed at both ends when another one answers; so an emptied machine with a new id does not vote as the voter it was.",
		"transport/peer", "TestS1_EmptiedMachineDoesNotVoteAsTheVoterItWas",
		edit("transport/peer/handshake.go",
			`if greeting.meant != self.NodeID && (greeting.meant != "" || greeting.purpose != PurposeBootstrap) {`, `if false {`,
			`if remote.NodeID != target.NodeID && (target.NodeID != "" || purpose != PurposeBootstrap) {`, `if false {`)),
	red("S1", "acceptor", "The node that is dialled refuses when another one was meant, and says so.",
		"transport/peer", "TestS1_AnotherNodeAtTheMeantAddressIsRefused",
		edit("transport/peer/handshake.go", `if greeting.meant != self.NodeID && (greeting.meant != "" || greeting.purpose != PurposeBootstrap) {`, `if false {`)),
	red("S1", "cluster-id", "A node without the cluster's id is not talked to, also under an id that the cluster knows.",
		"transport/peer", "TestS1_EmptiedDirectoryUnderItsOldIDIsRefused",
		edit("transport/peer/handshake.go",
			`case self.ClusterID == "" || remote.ClusterID == "":`, `case self.ClusterID == "" && remote.ClusterID == "":`,
			`case self.ClusterID != remote.ClusterID:`, `case self.ClusterID != "" && remote.ClusterID != "" && self.ClusterID != remote.ClusterID:`)),
	red("S1", "address", "A member is spoken to only at its address of the committed configuration.",
		"transport/peer", "TestS1_CopiedDataDirectoryIsRefused",
		edit("transport/peer/roster.go", `if known && address != remote.Address {`, `if known && address == "" {`)),
	red("S1", "same-id", "A node does not speak to one that has its own id.",
		"transport/peer", "TestS1_CopiedDataDirectoryIsRefused",
		edit("transport/peer/handshake.go", `case remote.NodeID == self.NodeID:`, `case remote.NodeID == self.NodeID && self.Address == "":`)),
	red("S1", "known-id", "A node with an empty data directory may not join under an id that was a member's.",
		"raftnode/bootstrap", "TestS1_EmptiedDirectoryUnderAKnownIDMayNotJoin",
		edit("raftnode/bootstrap/join.go", `		if known == id {`, `		if known == id && known == "" {`)),
	red("S21", "one-value", "A vote's term and candidate are written as one value, so that a crash between the two leaves the whole vote before.",
		"raftnode/store", "TestS21_CrashBetweenTheTwoVoteWrites",
		edit("raftnode/store/vote.go",
			`	voteTermKey      = "LastVoteTerm"`, `	voteTermKey      = "written through"`,
			`	voteCandidateKey = "LastVoteCand"`, `	voteCandidateKey = "written through too"`)),
	red("S21", "current-term", "CurrentTerm is written through at once.",
		"raftnode/store", "TestS21_CurrentTermIsWrittenThroughAtOnce",
		edit("raftnode/store/vote.go", `		return k.StableStore.SetUint64(key, value)
`, `		if string(key) == "CurrentTerm" {
			return nil
		}
		return k.StableStore.SetUint64(key, value)
`)),
	red("S21", "written", "A vote is on the disk before it is given.",
		"raftnode/store", "TestS21_WholeVoteBindsAfterACrash",
		edit("raftnode/store/vote.go", `if err := k.StableStore.Set([]byte(voteKey), append(vote, value...)); err != nil {`, `if err := k.StableStore.Set([]byte("elsewhere"), append(vote, value...)); err != nil {`)),
	red("S22", "word-of-a-cluster", "Who hears of a cluster of its name founds no second one.",
		"raftnode/bootstrap", "TestS22_WipedNodesDoNotFoundASecondCluster",
		edit("raftnode/bootstrap/decide.go", `if stranger, ok := wordOfCluster(view); ok {`, `if stranger, ok := wordOfCluster(view); ok && view.Self.NodeID == "" {`)),
	red("S22", "too-many", "More nodes than were expected found nothing.",
		"raftnode/bootstrap", "TestS22_FourNodesOfThreeAreRefusedWithASentence",
		edit("raftnode/bootstrap/decide.go", `case len(candidates) > view.Expect:`, `case len(candidates) > 2*view.Expect:`)),
	red("S22", "one-promise", "A node promises one set of founders, once per data directory.",
		"raftnode/bootstrap", "TestS22_APromiseBindsAgainstAnotherFounder",
		edit("raftnode/bootstrap/decide.go", `	if own := promised(view); own != nil {
		if slices.Equal(own, members) {
			return ""
		}
`, `	if own := promised(view); own != nil {
		if slices.Equal(own, members) || ordered(members) {
			return ""
		}
`)),
	red("S22", "never-two", "A promise binds, and a founder needs those of all before the cluster gets its id.",
		"raftnode/bootstrap", "TestS22_NeverTwoClusters",
		edit("raftnode/bootstrap/decide.go", `	if own := promised(view); own != nil {
		if slices`, `	if own := promised(view); own != nil && view.Expect == 0 {
		if slices`), edit("raftnode/bootstrap/founding.go", `	if agreed, refusal := f.askAll(ctx, askPromise, members); !agreed {
`, `	if agreed, refusal := f.askAll(ctx, askPromise, members); !agreed && refusal != "" {
`)),
	red("S22", "disk", "The data directory takes one promise and one cluster, for ever.",
		"raftnode/datadir", "TestPromiseAndClusterNeverChange",
		edit("raftnode/datadir/datadir.go", `		if identity.Promise != nil {
			return`, `		if identity.Promise != nil && identity.NodeID == "" {
			return`)),
	red("S22", "lowest", "The founder with the lowest id alone begins Raft's configuration.",
		"raftnode/bootstrap", "TestS22_ThreeNodesFoundOneClusterOverThePeerPort",
		edit("raftnode/bootstrap/decide.go", `		if members[0] == view.Self {
			return Step{Action: Gather, Members: members}
		}
`, `		if slices.Contains(members, view.Self) {
			return Step{Action: Gather, Members: members}
		}
`, `	case candidates[0] == view.Self:
`, `	case slices.Contains(candidates, view.Self):
`, `if len(members) == 0 || !ordered(members) || members[0].NodeID != string(founder) {`, `if len(members) == 0 || !ordered(members) {`)),
	red("S22", "finished", "Who has promised goes on with that founding after a restart.",
		"raftnode/bootstrap", "TestS22_InterruptedFoundingIsFinished",
		edit("raftnode/bootstrap/decide.go", `if members := promised(view); members != nil {`, `if members := promised(view); members != nil && members[0] == view.Self {`)),
	red("S25", "told", "A node that was removed is told so at the handshake.",
		"transport/peer", "TestS25_ARemovedNodeIsToldSo",
		edit("transport/peer/roster.go", `	if r.removed[remote.NodeID] {
`, `	if r.removed[remote.NodeID] && remote.NodeID == "" {
`)),
	red("S25", "caught-up", "A node becomes a voter once it has nearly all of the log.",
		"raftnode", "TestS25_AVoterHasCaughtUp",
		edit("raftnode/membership.go", `		case behind <= catchUpLag:
			return nil
`, `		case behind >= 0:
			return nil
`)),
	red("S26", "watchdog", "A leader whose disk hangs exits, since it cannot step down.",
		"raftnode", "TestS26_ALeaderWhoseDiskHangsIsReplacedWithinFiveSeconds",
		edit("raftnode/store/watchdog.go", `		if !w.follows() || limit >= FollowerWriteLimit {
`, `		if limit >= FollowerWriteLimit {
`)),
}
