// Package history is what a run leaves behind to be judged: one line of JSON for each thing that happened.
//
// A client writes invoke before it asks for something and, once it knows, how that ended: ok, fail (it did not happen and never will) or info (nobody knows: it may have
// happened, or may happen at any later time). When in doubt, info is always safe. After info a process never uses its name again, since its operation is, as far as
// anybody can tell, still under way. A process that was killed in the middle of an operation leaves an invoke without an end, which counts as info.
//
// note is for what is no operation: a fault that begins or ends, a lock that was lost.
//
// All instants are nanoseconds of one clock that every process of the machine shares and that nobody sets (see Now), so that instants of different processes may be compared.
package history
