// Command poolmoves measures what moves when workers of a pool join, leave, die and are rolled, and for how long partitions are served by nobody.
//
//	go run ./test/poolmoves
//	go run ./test/poolmoves --early 3s --picture early.svg
//
// It starts three coordd nodes and some workers, each a process of its own, and writes docs/workers.svg and a table for docs/workers.md to stdout. Workers write a line whenever they
// begin and end to serve a partition; all clocks are that of one machine. A partition counts as moved when another worker than before has it in the end; it is without service from
// the moment in which its worker says that it stopped, or is killed, until the next one says that it serves.
package main
