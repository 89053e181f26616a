// Package run is one run of the harness from its begin to its verdict: start a cluster and clients, do harm, make everything well, read what is there, stop, judge, and
// leave a folder from which all of that can be understood.
//
// Everything that was started is ended again, whatever happens: processes by their ids, mounts, listeners.
package run
