package peer

import "github.com/hashicorp/raft"

// shorten takes out of a request what this node's newest snapshot covers, with the comparison that Raft would begin with.
//
// A leader names the entry before those that it sends, and its follower must have that one with its term. When it is the last that a snapshot covers and others come after it, hashicorp/raft
// looks for it in the log, where it need not be, and refuses; and a leader that must overwrite what comes after it has nothing to offer but the same snapshot again. Neither would ever go on. But
// what a snapshot covers is committed, so every leader whose term Raft accepts has it: there is nothing to compare.
//
// The request may begin before the snapshot's last entry only if it has that entry, or ends before it. A request of which nothing is left must not commit more than the snapshot covers, since
// Raft would take all that its log has for what the leader has.
func shorten(request *raft.AppendEntriesRequest, covered func() (index, term uint64)) {
	if request.PrevLogEntry == 0 {
		return // a heartbeat, or entries from the first on
	}
	index, term := covered()
	if request.PrevLogEntry > index {
		return
	}
	rest, agrees := behind(request, index, term)
	if !agrees {
		return // Raft refuses it
	}
	request.PrevLogEntry, request.PrevLogTerm, request.Entries = 0, 0, rest
	if len(rest) == 0 {
		request.LeaderCommitIndex = min(request.LeaderCommitIndex, index)
	}
}

// behind gives the entries of a request that come after an index, and whether what it says of the entry there, if anything, is that it has this term.
func behind(request *raft.AppendEntriesRequest, index, term uint64) (rest []*raft.Log, agrees bool) {
	if request.PrevLogEntry == index {
		return request.Entries, request.PrevLogTerm == term
	}
	for i, entry := range request.Entries {
		if entry.Index == index {
			return request.Entries[i+1:], entry.Term == term
		}
	}
	return nil, true
}
