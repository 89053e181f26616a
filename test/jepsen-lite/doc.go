// Command jepsen-lite shows whether coordd keeps its promises while things go wrong: it runs real nodes and real clients on one machine, cuts their links, stops and kills
// them, fills their disks, and judges what they did from the clients' own history and from the log that the nodes committed.
//
//	run       one run: workloads, nemeses, nodes, a time, a seed; ends with "verdict: valid", "verdict: invalid" or "verdict: unknown"
//	list      the workloads, nemeses, checkers and suites
//	suite     many runs: pr, matrix, nightly or release, with a ledger
//	pools     workers share a pool while they and the leader are killed
//	compare   the same faults for coordd and for others
//	mutants   planted bugs, each of which must be found in nine of ten runs
//	matrix    the table of a ledger
//	replay    judges a folder again and prints the command that makes another like it
//
// README.md tells what is judged and how to read it; the packages below are history, network, cluster, clients, workload, store, nemesis, check, report, run, suite and pools, in
// the order in which they build on each other.
package main
