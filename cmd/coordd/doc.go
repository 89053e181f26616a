// Command coordd is the lock service: it runs nodes, and talks to them.
//
//	coordd dev        three nodes in one process, to try things
//	coordd serve      one node
//	coordd lock       run a command while holding a lock
//	coordd elect      run a command while leading; observe; hand over
//	coordd locks, lock-info, history, check, watch, sessions
//	                  what is held, by whom, and what changes
//	coordd force-unlock
//	                  take a lock away
//	coordd pool       pools of partitions that workers share
//	coordd cli        send commands to the Redis door
//	coordd status     what every node says of itself
//	coordd members    who belongs to the cluster; add and remove
//	coordd transfer   hand leadership over
//	coordd inspect    what a stopped node's log and snapshots hold
//	coordd completion completion for bash, zsh and fish
//	coordd version    what was built
//
// There is no logic here, only wiring: package raftnode is the node, transport/resp and transport/httpapi are its doors. The subcommands stand in one
// table (commands.go), each in a file of its own; the layer of flags, environment and config file is internal/options. The exit codes stand in exit.go.
package main
