// Package check judges a run from what it left behind: the history of its clients, the committed logs of its nodes, what the nodes said of themselves, and what was read at the
// end. It knows nothing of coordd's code.
//
// Every checker says valid, invalid or unknown, how much it has seen, and, when something is wrong, what. One that has seen nothing of what it is for says
// unknown, never valid; so does one that could not decide in its time, or that broke. The verdict of a run is the worst of all.
//
// Checkers use instants only where noise on the machine cannot make a good run look bad: it may make requests look longer, so that more of them overlap, which only allows
// more.
package check
