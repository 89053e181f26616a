// Package fsm is the replicated state machine: keys, locks, sessions and queues, and the tokens that fence them.
//
// It keeps seven promises, and everything else in coordd leans on them.
//
//   - Pure: what [Machine.Apply] does depends on the log and the state alone. No clock, no randomness, no configuration, no map order.
//   - Ordered: the outcome equals running the commands one at a time in log order.
//   - Total: any bytes give an outcome. Malformed ones are refused alike by every machine; those of a newer format stop the node with a sentence.
//   - Bounded: every collection, text and duration has a limit (fsm/command, limits.go).
//   - Versioned: what was ever written to a log or a snapshot is read for ever, with the same meaning.
//   - Effects are values: Apply returns replies and [Event]s; it never sends, wakes or calls anybody.
//   - Time is data: it moves only by the stamp of an entry, and what it ended is ended before a command looks.
//
// A fencing token is tokenBase + the log index of the entry that granted. An entry holds many commands, so the machine itself keeps the set of names
// granted in the entry it runs: a second grant of one name waits for the next entry, or its command is answered "again" and has no effect.
//
// DESIGN.md beside this file specifies the formats and records the decisions.
package fsm
