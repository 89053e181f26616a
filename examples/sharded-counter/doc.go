// Command sharded-counter shows a worker pool: several processes count, and every key is counted by exactly one of them, while workers come, leave, and die.
//
// The program starts a lock service of three nodes in its own process and starts itself again as workers. A worker keeps the counters of its partitions in memory, reads them when it is given a partition, and
// writes each change to a store with the partition's token; the store refuses a token smaller than one that it has seen. The program sends increments to whoever owns their key, and in the end
// holds what was counted against what was answered.
//
//	go run -C examples/sharded-counter .
package main
