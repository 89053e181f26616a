// Package pools is a campaign for worker pools with real processes: three nodes, workers that share a pool and write with their tokens into a store, and a router that sends work to them, while workers are
// killed, stopped, added, sent away and restarted one after the other, and the leader is killed.
//
// What is judged does not come from the side that is tried. Who owned what, and why it ended, is read from the committed log; what was written, from the store's own log; and what each worker believed, from its
// own words, on the one clock that all processes of the machine share.
package pools
