package raftnode

import (
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/hashicorp/raft"
)

// Diverge lets the node's machine run an entry that is in nobody's log, as memory that lies would.
func (n *Node) Diverge(op command.Op) {
	index, _ := n.machine.Hash()
	n.machine.Apply(index, n.raft.CurrentTerm(), command.AppendEntry(nil, command.Entry{Term: n.raft.CurrentTerm(), Commands: []command.Command{{Op: op}}}))
}

// LoseSession ends the node's session behind its back, as if the node had been cut off for longer than its TTL.
func (n *Node) LoseSession() {
	n.commandCourier.mu.Lock()
	session := n.commandCourier.numbers.session
	n.commandCourier.mu.Unlock()
	_, _ = n.session.send(n.running, command.SessionClose{Session: session})
}

// SnapshotPause is how often Raft looks whether a snapshot is due.
var SnapshotPause = snapshotPause

// EndReign ends the node's reign as if its reads or its proposer had lost it, while Raft goes on leading.
func (n *Node) EndReign() {
	if route, _ := n.leadership.route(); route.reign != nil {
		route.reign.end()
		n.leadership.look()
	}
}

// HandOverNow lets Raft hand leadership to a voter, however far that lags, and waits for the end of it.
func (n *Node) HandOverNow(nodeID string) {
	_, others := n.voters()
	for _, other := range others {
		if string(other.NodeID) == nodeID {
			_ = n.raft.LeadershipTransferToServer(raft.ServerID(nodeID), raft.ServerAddress(other.Address)).Error()
		}
	}
}

// ReignPause is how long a reign that could not begin is not tried again.
const ReignPause time.Duration = reignPause
