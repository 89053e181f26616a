// Package memnet is a network in memory, for tests that run a whole cluster in one process.
//
// It behaves as TCP does where it matters: bytes arrive in order or not at all, a dial to a host where nothing listens is refused, a cut
// link holds bytes back until it heals, and a process that dies resets its connections. Links have a direction, so that a host can be
// heard without hearing. Everything waits on channels and timers only, so that inside a testing/synctest bubble time advances by itself;
// make the Network inside the bubble that uses it.
package memnet
