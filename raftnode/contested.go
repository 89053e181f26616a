package raftnode

import (
	"slices"
	"time"

	"github.com/coordd/coordd/raftnode/datadir"
)

// contestedPause is how often at most a conflict about this node's id is logged.
const contestedPause = 10 * time.Second

// contested is told that gossip shows another member under this node's id. A data directory was copied, or somebody lies.
//
// Gossip alone must not stop a node that the committed configuration names at its address: whoever came under its id elsewhere is turned away by the peers' handshake and by this same
// rule, and a liar could otherwise stop the cluster. But a member that names the very same peer address may be a copy with the same settings; the handshake cannot tell the two apart, and
// both could vote, so this node stops. One that the configuration does not name here is the copy, and stops too. A node that has no configuration yet waits for it; founding refuses an id
// that is seen twice by itself.
func (n *Node) contested(err error, peerAddress string) {
	select {
	case <-n.started:
	case <-n.running.Done():
		return
	}
	if peerAddress == n.self().Address || !n.isVoterHere() {
		n.fatal(err)
		return
	}
	now := n.config.Clock.Monotonic() + 1 // never 0
	if last := time.Duration(n.contestTold.Load()); last == 0 || now-last > contestedPause {
		n.contestTold.Store(int64(now))
		n.log.Error("another member of the gossip uses this node's id; it is not believed, since the configuration names this node", "error", err)
	}
}

// isVoterHere reports whether the configuration names this node as a voter at its own address.
func (n *Node) isVoterHere() bool {
	return slices.Contains(n.knownMembers().Voters, datadir.Member{NodeID: string(n.self().NodeID), Address: n.self().Address})
}
