// Package raftnode is one node of a cluster: Raft, its stores, the machine of package fsm, and everything between a door and the log.
package raftnode
