package forgery

import "encoding/binary"

// The two kinds of memberlist's messages that are needed.
const (
	labelMessage = 244
	deadMessage  = 5
)

// Death is the datagram in which a member of the cluster with that label, called by, tells that the other one is dead. It counts with who believes the member alive under no higher
// incarnation. The names and the label have fewer than 256 bytes.
//
// It is the label, then the kind, then a map of three in msgpack.
func Death(label, member, by string, incarnation uint32) []byte {
	packet := append([]byte{labelMessage, byte(len(label))}, label...)
	packet = append(packet, deadMessage, 0x83)
	text := func(s string) { packet = append(append(packet, 0xd9, byte(len(s))), s...) }
	text("Incarnation")
	packet = binary.BigEndian.AppendUint32(append(packet, 0xce), incarnation)
	text("Node")
	text(member)
	text("From")
	text(by)
	return packet
}
