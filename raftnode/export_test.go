package raftnode

import "github.com/coordd/coordd/fsm/command"

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
