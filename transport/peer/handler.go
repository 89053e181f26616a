package peer

import "context"

// Handler answers the calls of other nodes. The methods may be called from many goroutines at once.
type Handler interface {
	// Forward takes one forwarded frame. Frames of one peer arrive here in the order in which they were sent, on the goroutine that
	// reads that peer's connection: returning late holds back that peer's later frames and nobody else's. respond is called once, from any
	// goroutine, when the answer is known; further calls do nothing. ctx ends with the connection. The handler owns payload.
	Forward(ctx context.Context, from NodeID, payload []byte, respond func(answer []byte))
	// Term answers Raft's current term and the wall clock. It must not block: read rounds wait for it.
	Term() TermAnswer
	// LostLeader answers whether this node lost the leader of the question in the same way. It must not block.
	LostLeader(from NodeID, question LostLeaderQuestion) LostLeaderVerdict
	// Bootstrap answers one message of the founding protocol, on a goroutine of its own. The error's text travels to the caller.
	Bootstrap(ctx context.Context, from Identity, payload []byte) (answer []byte, err error)
}

// TermAnswer is the answer to the probe of a read round.
type TermAnswer struct {
	// Term is Raft's CurrentTerm on the answering node.
	Term uint64
	// WallUnixMs is the answering node's wall clock in milliseconds since 1970.
	WallUnixMs int64
}

// LostLeaderQuestion asks a voter about the leader that the asking node believes dead.
type LostLeaderQuestion struct {
	// Term is the term in which the leader was lost.
	Term uint64
	// Leader is the leader's id.
	Leader NodeID
}

// LostLeaderVerdict is a voter's answer to a LostLeaderQuestion.
type LostLeaderVerdict uint8

// The verdicts. The numbers travel and are never reused.
const (
	// LostLeaderNo: this node has not lost that leader in that way, but does not hear it either.
	LostLeaderNo LostLeaderVerdict = 1
	// LostLeaderYes: this node is in the same term and lost the same leader in the same way.
	LostLeaderYes LostLeaderVerdict = 2
	// LostLeaderVeto: this node still hears the leader, or knows a later term.
	LostLeaderVeto LostLeaderVerdict = 3
)

// String gives the verdict as it stands in log lines.
func (v LostLeaderVerdict) String() string {
	switch v {
	case LostLeaderNo:
		return "no"
	case LostLeaderYes:
		return "yes"
	case LostLeaderVeto:
		return "veto"
	}
	return "unknown"
}
