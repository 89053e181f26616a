// Package pools reads what the cluster tells about worker pools, and draws a pool's ring for a terminal.
//
// The exported structs are what coordd pool writes with --json: an interface for programs. Tokens are strings of digits, since many programs read numbers as doubles, and times are
// whole milliseconds.
package pools
