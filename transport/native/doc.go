// Package native reads native commands: it turns the arguments of SESSION.*, LOCK.*, SEMAPHORE.*, ELECTION.*, FENCE.CHECK and EVENTS.* into typed ops, or into the
// answer that refuses them.
//
// It knows no connection, so every door can use it: the Redis door gives it what a client sent, the HTTP door what it makes of a request. Each function takes
// the arguments with the command's name in front, whose number the caller has checked against the table of commands, and returns a refusal that is nil when
// the arguments are good. Nothing of the arguments is kept beyond what the op shares with them until it is encoded.
package native
