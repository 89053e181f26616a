// Package freeport chooses loopback ports for what must know its port before it binds it: nodes of a new cluster name each other, and a node that was killed comes
// back at its old address.
//
// Asking the system for port 0 and closing the socket again is not enough for that: the port comes from the range that the system also gives to outgoing
// connections, so another process can own it a moment later. Ports from here lie below that range, and one process never gets the same one twice.
package freeport
