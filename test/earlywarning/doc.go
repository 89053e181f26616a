// Command earlywarning measures how soon gossip tells that a node came, went or died.
//
//	go run ./test/earlywarning --trials 10
//
// It builds coordd, starts nodes as processes with encrypted gossip, watches them as an operator does, with `coordd members --watch --json` on the first node, and then lets a
// newcomer join and leave, stops a voter in order and kills another with SIGKILL. A time is counted from the act - starting the process, sending it the signal - until
// the line of the watch has arrived here. It prints the least, the median and the longest time of each, and ends with status 1 when one is longer than it may be.
package main
