package raftnode

import "github.com/coordd/coordd/fsm/command"

const (
	// maxNumberedCommands is how many numbers may lie above the low-water mark: what the cluster must remember for one node.
	maxNumberedCommands = 4096
	// maxRememberedBytes is how many bytes of answers above the mark make a node wait before it gives out more numbers. The machine refuses at twice as much.
	maxRememberedBytes = command.MaxRememberedBytes / 2
)

// numbering gives the commands of one node session their numbers, and knows up to where all of them are finished. It is not safe for concurrent use.
type numbering struct {
	session  command.SessionID // zero while no session is open
	next     uint64
	lowWater uint64                     // every number up to here is finished
	finished map[uint64]int             // numbers above lowWater that are finished, with the bytes of their answers
	bytes    int                        // of those answers
	dead     map[command.SessionID]bool // sessions of this node that have ended
}

func newNumbering() *numbering {
	return &numbering{next: 1, finished: make(map[uint64]int), dead: make(map[command.SessionID]bool)}
}

// open starts a new session at number 1.
func (n *numbering) open(session command.SessionID) {
	n.session, n.next, n.lowWater, n.bytes = session, 1, 0, 0
	clear(n.finished)
}

// lose ends the present session, if it is this one: its numbers are never used again.
func (n *numbering) lose(session command.SessionID) {
	n.dead[session] = true
	if n.session == session {
		n.session = command.SessionID{}
	}
}

// assign gives out count consecutive numbers, or tells that there is no session or the window is full.
func (n *numbering) assign(count int) (first uint64, ok bool) {
	if n.session.IsZero() || n.bytes > maxRememberedBytes {
		return 0, false
	}
	if n.next-1-n.lowWater+uint64(count) > maxNumberedCommands {
		return 0, false
	}
	first = n.next
	n.next += uint64(count)
	return first, true
}

// retire marks numbers as finished: their answers are here, or nobody asks for them any more. They are never sent again.
func (n *numbering) retire(session command.SessionID, first uint64, count, bytes int) {
	if session != n.session {
		return
	}
	for i := range uint64(count) {
		n.finished[first+i] = bytes / count
		n.bytes += bytes / count
	}
	for {
		size, done := n.finished[n.lowWater+1]
		if !done {
			return
		}
		n.lowWater++
		n.bytes -= size
		delete(n.finished, n.lowWater)
	}
}
