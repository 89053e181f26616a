// Package exact builds a test binary whose plays can be repeated exactly.
//
// A play in a synctest bubble has its own time, but the Go runtime still chooses by chance which ready case of a select is taken, which of two timers of one moment
// fires first, in which order a map is walked and when a goroutine is preempted. So the binary is built on a runtime in which these choices, inside a bubble, come from
// a source that is seeded: Build lays a few changed lines over the runtime's own sources (go build -overlay), for this binary only. It runs on one processor without
// collecting garbage. Nothing of the code under test is changed, and the choices are as good as those of the unchanged runtime; they only are the same each time.
//
// The changed lines fit particular versions of Go. On one that they do not fit Build says so, and plays still run, on the unchanged runtime: the seed then repeats the
// setup, the faults and what clients ask, but not every interleaving.
package exact
