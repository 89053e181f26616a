// Package foreign knows the lock clients that other people wrote: which there
// are, what each needs on this machine, how its worker process is prepared
// and started, and how to read what it says.
package foreign
