// Package clustertest runs whole clusters inside one test process: over an in-memory network and disks that forget what was not synced, also inside
// testing/synctest bubbles, or over loopback with real files. Nodes can be killed, restarted, cut off, and given clocks that lie.
package clustertest
