// Package suite is which runs belong together, and the ledger of those that were made.
//
// A ledger is a file of JSON lines to which each run adds one. It is the memory of a suite that was interrupted, and the evidence for the fault matrix.
package suite
