// Command guard shows that client/guard makes stale holders harmless: with real processes, three coordd nodes and a real PostgreSQL.
//
//	scenarios  stopped processes, late packets, lost answers and partitions, each with the guard and without it
//	crash      holders are killed between the two rows that they write; the next one must find that and repair it
//
// The packages below are its parts: servers starts what is guarded, link is a network that misbehaves, holder and crash are the processes, store is what they write, and databases has the
// tests of the guards on every database. This module is apart from coordd's own, so that no driver becomes a dependency of coordd.
package main
