// Package underlock runs a command while a lock is held, and sees to it that the command is gone before the lock can be another's.
//
// Two processes stand between the shell and the command:
//
//	front ── keeper ── command ── whatever the command starts
//
// The front ([Front]) is what was typed: it owns the place in the shell's job control and the exit code, passes signals on, and looks after the keeper. The
// keeper ([Keeper]) takes the lock, keeps it, starts the command in a process group of its own, and ends it in time. DESIGN.md tells why there are two, who
// notices which death, and what is left uncovered.
//
// What has to be gone is the family ([family]): the command's process group and, on Linux, all that descends from the command and has not left its terminal
// session. A process that makes a session of its own, as a daemon does, has left.
//
// The package knows no cluster. A [Lock] is whatever can say how long it is certainly held.
package underlock
