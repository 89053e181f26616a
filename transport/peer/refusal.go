package peer

import (
	"errors"
	"fmt"
)

// RefusalCode says why one side of a handshake closed the connection. The numbers travel in the handshake and are never reused.
type RefusalCode uint8

// The reasons for which a handshake fails.
const (
	// RefusedMalformed: the other side does not speak this protocol, or broke a limit.
	RefusedMalformed RefusalCode = 1
	// RefusedVersion: the other side speaks a version of the protocol that this one does not know.
	RefusedVersion RefusalCode = 2
	// RefusedClusterName: the other side belongs to a cluster of another name.
	RefusedClusterName RefusalCode = 3
	// RefusedClusterID: the other side belongs to another cluster, or to none.
	RefusedClusterID RefusalCode = 4
	// RefusedWrongNode: the node that answered is not the one that was meant.
	RefusedWrongNode RefusalCode = 5
	// RefusedDuplicateID: the other side uses the id of the node it talks to; a data directory was copied.
	RefusedDuplicateID RefusalCode = 6
	// RefusedAddress: the committed configuration knows this node under another address.
	RefusedAddress RefusalCode = 7
	// RefusedNotMember: the committed configuration does not know this node.
	RefusedNotMember RefusalCode = 8
	// RefusedRemoved: the node was a member and has been removed. It should stop.
	RefusedRemoved RefusalCode = 9
	// RefusedBusy: the other side holds as many connections as it allows.
	RefusedBusy RefusalCode = 10
)

// Refusal is a handshake that one side ended. It is an error, and Authorizers return it to choose the code.
type Refusal struct {
	Code RefusalCode
	// Reason is one sentence for the log of either side. At most 512 bytes travel.
	Reason string
	// ByPeer is true when the other side refused, false when this side did.
	ByPeer bool
}

// Error gives who refused and why.
func (r *Refusal) Error() string {
	if r.ByPeer {
		return "refused by the peer: " + r.Reason
	}
	return "refused: " + r.Reason
}

// refuse makes a refusal by this side.
func refuse(code RefusalCode, format string, arguments ...any) *Refusal {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, arguments...)}
}

// AsRefusal finds the refusal in an error chain.
func AsRefusal(err error) (*Refusal, bool) {
	var refusal *Refusal
	ok := errors.As(err, &refusal)
	return refusal, ok
}
