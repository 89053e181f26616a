// Package beliefs holds what clients saw against what a cluster committed.
//
// Each lock that a client says it held must have been granted to it, under the
// token that it read, must not have expired before its time, and must have
// been in no two hands at the same time by the clock of the machine on which
// all clients ran.
package beliefs
