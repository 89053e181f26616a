// Command embedded shows how a program carries its own lock service: three nodes in one process take a lock, stop, start again from
// what they wrote to disk, and give a larger fencing token.
//
// In a real program each process embeds one node; here all three share one, so that one command shows everything.
//
//	go run -C examples/embedded .
package main
