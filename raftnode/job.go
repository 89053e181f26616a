package raftnode

import (
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
)

// maxJobOps is how many ops one job may hold when it goes through the log; longer pipelines are carried out piece by piece.
const maxJobOps = 512

// jobState is where a job is.
type jobState uint8

const (
	jobWaiting jobState = iota // in its courier's queue
	jobSent                    // at the leader, or on the way
	jobAsked                   // answered with "no session"; the courier's session is being asked about
	jobEnded
)

// job is one Execute on its way to the leader and back. Everything in it belongs to its courier's mutex, except done.
type job struct {
	lane  uint64
	ops   []command.Op
	bytes int // of the ops, encoded, at most

	session command.SessionID // with number: the node session that numbered it
	number  uint64            // of the first op; 0 while none was given, and always for reads and keepalives

	state         jobState
	maybeProposed bool // an attempt ended without telling whether it was proposed
	abandoned     bool // nobody waits for it any more
	replies       []command.Reply
	setAside      []command.Reply // with jobAsked: answers that are believed only if the session lives
	err           *transport.Error
	done          chan struct{} // closed when the job has ended
}

func newJob(lane uint64, ops []command.Op, bytes int) *job {
	return &job{lane: lane, ops: ops, bytes: bytes, done: make(chan struct{})}
}

// commands are the ops that still want a reply, as they go to the leader.
func (j *job) commands(lowWater uint64) []command.Command {
	commands := make([]command.Command, 0, len(j.ops)-len(j.replies))
	for i := len(j.replies); i < len(j.ops); i++ {
		c := command.Command{Op: j.ops[i]}
		if j.number != 0 {
			c.Lane = j.lane
			c.Request = command.Request{Session: j.session, Number: j.number + uint64(i), LowWater: lowWater}
		}
		commands = append(commands, c)
	}
	return commands
}

// replyBytes estimates what the machine remembers for the job.
func (j *job) replyBytes() int {
	bytes := 0
	for _, reply := range j.replies {
		bytes += sizeOfReply(reply)
	}
	return bytes
}

func sizeOfReply(reply command.Reply) int {
	size := 32 + len(reply.Text)
	for _, element := range reply.Elements {
		size += sizeOfReply(element)
	}
	return size
}
