// Package network stands between the processes of a run and lets tests cut, slow and disturb each directed link, without root and without touching the machine's
// network.
//
// Every node advertises addresses of this package instead of its own, and every client process is given endpoints of this package. What arrives is passed on to the
// real address. A stream or datagram belongs to a link: who sends, who receives, and which plane (between nodes, gossip, clients). For streams between nodes the
// sender is found by asking the kernel which process owns the other end of the connection (Linux); a datagram tells by its source address; a client by the
// endpoint that it was given.
//
// A link that is cut with Drop carries nothing, and what was under way arrives after the cut is healed, as with packets that TCP repeats: that is how stale
// acknowledgements are made. One cut with Reset ends its connections. A stream carries both directions, and each follows the fault of its own direction, so a one-way cut stops
// requests of one node and answers to the other. Streams can be delayed and made narrow but never lose, repeat or reorder bytes; datagrams can do all of it.
package network
