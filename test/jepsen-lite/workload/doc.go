// Package workload is what clients do during a run. A workload is an actor: a loop that one goroutine runs, alone in its history, until it is told to stop. Client
// processes run the actors of all chosen workloads side by side, on names that begin with the workload's own, so that one run can be judged for all of them.
//
// Actors write into the history what they asked for, and what came of it, and judge nothing. An actor classifies an error only by what the client library says:
// definite is fail, everything else is info.
//
// Names change every few seconds. What is written to one of them stays little enough for a linearizability checker, which is exponential in what overlaps.
package workload
