// Package scenarios plays the ways in which a lock is held and is of no use: processes that are stopped, packets and answers that come late or never, partitions. Holders are processes of their
// own, the cluster is three coordd processes, the resource is PostgreSQL.
//
// Each [Scenario] is played twice: with a guard, where not one stale write may be accepted and at least one must be refused; and without, where at least one must be accepted, so that the scenario is known to be
// able to fail.
package scenarios
