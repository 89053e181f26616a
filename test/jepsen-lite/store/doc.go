// Package store is what the locks of a run protect: registers outside of the cluster, each of which is read, thought about, and written, under a lock.
//
// A register accepts a request with a fencing token only if it has never seen a larger one; that is the whole of fencing, and it is done before anything is read. Each
// write names the value that it rests on, so that a lost update is seen at once. Beside each guarded register lies a twin that accepts everything: it counts what would have been
// lost without tokens.
//
// The store is one process, the driver's, and writes into the history of the run what it accepted and refused, in its own order.
package store
