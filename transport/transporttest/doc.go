// Package transporttest puts one replicated machine, in memory and without replication, behind the interface that doors need. Tests of the doors, of the
// client and of Redis' wording use it where a cluster would only make them slow: every command goes through the encoding of the log and through
// Machine.Apply, an entry each, as it would in a cluster of one node.
package transporttest
