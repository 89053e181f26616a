// Package network stands between the processes of a run and lets tests cut, slow and disturb each directed link, without touching the machine's network. There are two networks.
//
// # Proxies
//
// They need no root. Every node advertises addresses of this package instead of its own, and every client process is given endpoints of this package. What arrives is passed on to the
// real address. A stream or datagram belongs to a link: who sends, who receives, and which plane (between nodes, gossip, clients). For streams between nodes the
// sender is found by asking the kernel which process owns the other end of the connection (Linux); a datagram tells by its source address; a client by the
// endpoint that it was given.
//
// A link that is cut with Drop carries nothing, and what was under way arrives after the cut is healed, as with packets that TCP repeats: that is how stale
// acknowledgements are made. One cut with Reset ends its connections. A stream carries both directions, and each follows the fault of its own direction, so a one-way cut stops
// requests of one node and answers to the other. Streams can be delayed and made narrow but never lose, repeat or reorder bytes; datagrams can do all of it.
//
// # Namespaces
//
// They need root. Every node and every client process lives in a network namespace of its own, and this process, in another, routes between them. Cuts, losses and resets are rules of nftables; a packet
// that comes late, twice or in another order goes through a device that leads into this process. Everything may happen to the packets of streams too. A cut with Drop loses packets, which TCP
// repeats when it is healed; one with Reset answers each packet of a stream with a reset.
package network
