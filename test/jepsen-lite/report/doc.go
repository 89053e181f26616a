// Package report draws a run: one page of HTML that needs nothing else, with the verdict, what went wrong and when, throughput and latency over time with the faults
// shaded, who held which lock, porcupine's picture of what cannot be explained, and the command that repeats it all.
package report
