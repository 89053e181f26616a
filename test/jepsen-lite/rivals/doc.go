// Command rivals is the client process of a comparison for lock services other than coordd: Redlock over five independent Redis servers, and a Redis primary with an asynchronous
// replica, both through redsync; and, with the argument etcd, etcd through its own package concurrency.
//
// It speaks as `jepsen-lite client` does: one line of JSON with its assignment on standard input, its history as lines of JSON on standard output, until its input ends. Each actor
// takes a lock, reads a register outside, thinks, writes, and releases, and never looks whether it still holds the lock before it writes. Redis gives no fencing
// tokens, so nothing can be refused; with etcd a mutex's revision is one.
//
// It is a module of its own, so that foreign clients do not become dependencies of coordd.
package main
