// Package world plays one whole cluster through one seed: nodes of package raftnode with a lossy network and disks that forget, in a testing/synctest bubble,
// under faults and client load that are drawn from the seed, and judges what came of it.
//
// Play is the story: found a cluster, let clients and faults loose, heal everything, see the cluster recover, and compare. What is compared with what:
//
//   - record (record.go) is told every entry that any node's machine runs. It runs each entry on a machine of its own too, which was never restarted and never
//     restored from a snapshot, so a node that differs is seen at the entry where it does. From the machine's events it keeps who held which name from when to when.
//   - history (history.go) is what clients asked and were answered, on the same scale of moments.
//   - verdict.go holds the one against the other, and registers.go asks porcupine independently of both.
package world
