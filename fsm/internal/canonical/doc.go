// Package canonical codes values as bytes in one way only, for the log and for snapshots.
//
// A [Coder] walks the fields of a value in a fixed order, either writing or reading them, so that one description serves both directions. What is
// read must be exactly what writing would have made: a longer spelling of a number, a bool that is neither 0 nor 1, or a length beyond the input is refused.
package canonical
