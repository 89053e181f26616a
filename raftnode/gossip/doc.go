// Package gossip lets the nodes of a cluster find each other and notice early when one falls silent.
//
// It wraps memberlist, tuned for three to five nodes on one network. A node is known by its node id and tells its addresses, its cluster
// name and, once it has one, its cluster's id. What gossip says is a hint and never a decision: whoever holds the gossip key, or without a
// key whoever reaches the port, can say anything here. Membership changes only by entries committed in the log.
//
// Workers of pools may be members too (worker.go). They are listed apart and are never nodes.
//
// memberlist tells when a member is dead, but not whom it suspects, nor who left of its own will. So members ping each other (suspects.go) and say farewell (farewell.go).
// It answers pings of the dead too, so a worker asks the nodes whether they take it for alive (hearing.go).
//
// Callbacks of memberlist only write into a table and set a flag; nothing ever waits inside them.
package gossip
