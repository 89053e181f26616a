// Package inspect reads what a node has on disk - Raft's log and its newest snapshot - and tells what was committed: every entry with its commands,
// what the machine answered, and which ownerships began and ended.
//
// It opens everything read-only and runs the entries through a machine of its own, so that the answers and events are those that every node computed.
// The JSON lines it writes are an interface: docs/inspect.md specifies them, and checkers read them. What is secret stays secret: of a session's secret the
// log holds only a hash, and not even that is shown.
package inspect
