// Package peer is the port over which the nodes of one cluster talk to each other, and to nobody else.
//
// One listener carries everything: Raft's own streams, forwarded commands, the small questions of a read round or an early election
// (probes), and the talk before a cluster exists (bootstrap). Every connection begins with a handshake in which both sides say which
// cluster they belong to, who they are and under which address, whom the dialler means to reach, and what the connection is for. Raft
// checks none of this: an emptied machine that comes back with a new id at a dead voter's address would vote as that voter, and
// grants that were committed would be lost. The handshake closes such a connection, with a reason that both sides can log.
//
// A Port listens and dials. RaftTransport is what hashicorp/raft is given. Forward, Term, LostLeader, Identify and Bootstrap are calls over
// connections that are kept open, carry many calls at once, and write whatever waits in one go. An error of a call says whether the
// request certainly never left this machine (Unsent) or whether its fate is unknown.
//
// Everything runs over a Network, which is TCP by default and, in tests, the in-memory network of package memnet.
package peer
