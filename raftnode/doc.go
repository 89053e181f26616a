// Package raftnode is one node of a cluster: Raft, its stores, the machine of package fsm, and everything between a door and the log.
//
// # The way of a command
//
// Execute hands a door's ops to a courier. The courier of commands numbers them under the node's own session, puts what waits into one frame, and carries it to
// whoever leads; when that fails it carries it again, under the same numbers and older ones first, until the fate is known. On the leader's node the frame ends at
// the reign: this node's leadership of one term, with a clock, a proposer and reads that live and die with that term. The proposer packs what waits into one log
// entry, stamps it, and keeps a few entries in flight. The replica runs what Raft commits, publishes how far it has come, and wakes those who wait in a queue.
// Reads take the same way to the reign, which answers all that wait in one round: it proves to a majority of the voters that it still leads, waits until its own
// machine has everything committed, and reads.
//
// DESIGN.md tells why each of these is as it is.
//
// # Goroutines and their property
//
//	live, and what it starts     one per node
//	leadership.run               owns the present reign, publishes the route
//	leadership.drain             keeps Raft's NotifyCh and observer empty
//	courier.run, one per class   sends; a goroutine per frame under way to another node
//	nodeSession.run              owns opening and keeping the node session
//	proposer.run                 owns every list of the proposer; one more waits for Raft's futures in their order
//	reads.run                    drives the rounds
//	standEarly                   owns this node's part in early elections
//
// # Locks
//
// At most these are held together, always in this order:
//
//	courier.mu → leadership.mu
//	courier.mu → metrics (atomic)
//
// Every other mutex (mailbox, reads, leaderClock, unixClock, progress, waits, suspicion) is a leaf: nothing else is taken and nothing is called while it is held.
// A proposer, a read round and a frame call their done functions, which take courier.mu, with no lock held.
package raftnode
