// Package wallclock lets the wall clock of one process of the C world jump, and of no other: a small library, compiled where it is needed, is loaded before the process' own
// (LD_PRELOAD) and answers who asks for the time of day. The machine's clock is not touched, and monotonic clocks go on as they go.
//
// It needs Linux and a C compiler, and reaches programs that ask their C library, as redis-server does. It does not reach programs of Go, which ask the kernel by themselves;
// coordd's nodes follow orders instead, when they are built with the tag failpoints.
//
// It is a library of our own because the one that everybody has, libfaketime, ends in endless recursion under redis-server as Debian builds it: its allocator asks for the time before the
// library is ready, and finding the C library's answer allocates.
package wallclock
