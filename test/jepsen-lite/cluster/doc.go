// Package cluster runs the coordd nodes of one run as real processes on loopback, every one of them behind the addresses of package network, and does to
// them what happens to processes: killed, stopped and continued, started again, their disks wiped.
package cluster
