// Package nemesis is what goes wrong during a run. A Nemesis injects one fault, keeps it up for a while, and returns; whoever runs it then calls Heal, which makes everything
// well again whatever was wrong, so that no nemesis can leave anything behind.
//
// A nemesis says what it needs. What is missing here is not an error of the run: it is skipped, visibly, and counted as skipped.
//
// Faults choose their victims with the run's seed. A seed repeats the plan of a run, not the interleaving of its processes.
package nemesis
