// Package clients runs the client processes of a run: this program again, as `jepsen-lite client`, one process for each group of actors, so that clients can be stopped and
// killed like anything else. A client process reads one line with its assignment from standard input and writes its history to standard output, until its
// input ends; the driver collects the lines of all of them and knows from them, while the run goes on, what is held and what makes progress.
package clients
