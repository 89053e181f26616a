package peer

// Observer is told what happens to connections: evidence for an early election, and for a node that must learn that it was removed.
// Methods may be called from many goroutines at once and must not block.
type Observer interface {
	// ConnectionEnded: an established connection with this peer ended. inbound is true when the peer had dialled. Connections that
	// this port closed itself are not reported.
	ConnectionEnded(remote NodeID, purpose Purpose, inbound bool, err error)
	// DialFailed: a dial failed. refused is true when the other machine answered that nothing listens there, which a dead process
	// usually shows and other things may: a hint, never a proof. A refused handshake is reported by HandshakeRefused instead.
	DialFailed(target Target, purpose Purpose, refused bool, err error)
	// HandshakeRefused: one side refused the other in the handshake. For inbound connections remote is what the dialler said of itself.
	HandshakeRefused(remote Target, purpose Purpose, inbound bool, refusal *Refusal)
}
