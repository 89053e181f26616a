// Command ringbench measures coordd's ring beside other ways to find the
// owner of a key: hash % N, stathat.com/c/consistent, serialx/hashring,
// dgryski/go-rendezvous, dgryski/go-jump and groupcache's consistenthash.
//
// All of them get the same keys and the same members, at 10, 100 and 1,000
// members. It measures how long a lookup takes and what it allocates, how long
// a change of one member takes, how far the fullest member is above the mean,
// and how many keys move when one member leaves or joins, as multiples of what
// must move. The result is written to docs/ring.md and docs/ring.svg.
//
// Contenders take turns, round after round, and the median of the processor
// time they used counts, so that whatever else the machine does meets all of
// them alike.
package main
