// Package process starts child processes and makes sure that none outlives
// its parent.
//
// A Group owns every process that it started. Close ends them all, by process
// id, each after a chance to stop by itself; on Linux the kernel also kills
// them when the parent dies without having closed the group.
package process
