// Command compat shows that Redis lock clients which nobody here wrote work
// against coordd when only their address changes.
//
// It builds coordd, starts three `coordd serve` processes on loopback with a
// plain TCP load balancer (haproxy) in front of them, and runs foreign clients
// as separate processes against that one address: the libraries in Go, Python
// and Node with their default settings, and the idioms that articles teach.
// Each subcommand shows one thing:
//
//	clients       every client takes, contends for, extends, releases and loses a lock
//	kill-leader   the same clients while the leader is killed every few seconds;
//	              the committed log decides whether two held one lock
//	mixed         Redis clients and coordd's own on the same names meanwhile
//	restart       all three nodes are killed under load; nothing acknowledged is missing
//	pause         all nodes are stopped for longer than every lease; none ends early
//	failover      how long clients pause when the leader dies
//	batching      how many commands share one log entry or one read round
//	differential  random command sequences, byte for byte against redis-server
//
// The packages below are usable on their own: cluster (the servers), resp (a
// raw protocol reader), beliefs (what clients saw, held against what was
// committed), differential (the random test). Child processes and the reader
// of the committed log are internal/process and internal/committed of coordd's
// own module, which test/jepsen-lite uses too. This module is apart from
// coordd's own, so that none of the foreign libraries becomes a dependency of
// coordd.
package main
