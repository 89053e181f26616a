package raftnode

import "github.com/coordd/coordd/fsm/command"

// fate is what is known of a request at the end of one attempt. The numbers travel in forwarding frames and are never reused.
type fate uint8

const (
	// fateDone: every op has its reply.
	fateDone fate = 1
	// fateNotProposed: what has no reply was not proposed and will not be by this attempt: the node does not lead, or not any more.
	fateNotProposed fate = 2
	// fateBusy: as fateNotProposed, because too much is under way at the leader.
	fateBusy fate = 3
	// fateUnknown: what has no reply may have been proposed, and may yet commit.
	fateUnknown fate = 4
	// fateTooLarge: the request or its replies do not fit into one frame between nodes. Nothing was changed: only reads grow so large.
	fateTooLarge fate = 5
)

// result is how an attempt ended: the replies of the first ops, and the fate of the rest.
type result struct {
	replies []command.Reply
	fate    fate
}
