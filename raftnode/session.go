package raftnode

import (
	"context"
	"fmt"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// nodeSession keeps this node's session with the cluster: opened through the log at start, kept alive, opened anew when it is gone. The cluster remembers the
// answers to its numbers, so that a command that is sent again after a failure has one effect. One goroutine, run, does everything.
type nodeSession struct {
	node      *Node
	ttl       time.Duration
	urgent    *courier
	commands  *courier
	questions chan command.SessionID
}

// ask lets the cluster be asked whether the session lives. It never blocks: one question at a time is enough, for all who wait for its answer.
func (s *nodeSession) ask(session command.SessionID) {
	select {
	case s.questions <- session:
	default:
	}
}

// run opens sessions and keeps them, until ctx ends.
func (s *nodeSession) run(ctx context.Context) {
	for ctx.Err() == nil {
		session, err := s.open(ctx)
		if err != nil {
			pause(ctx, retryPause)
			continue
		}
		s.node.log.Info("node session opened", "session", session.String())
		s.commands.opened(session)
		s.node.caughtUp(ctx, session.Index)
		s.keep(ctx, session)
	}
}

// open opens a session through the log. One that was opened by an attempt whose answer was lost ends by its TTL.
func (s *nodeSession) open(ctx context.Context) (command.SessionID, error) {
	reply, err := s.send(ctx, command.SessionOpen{TTLMilliseconds: s.ttl.Milliseconds(), ClientName: "node " + string(s.node.self().NodeID), Node: true})
	if err != nil {
		return command.SessionID{}, err
	}
	return sessionOf(reply)
}

// sessionOf finds the session's id in the answer to its opening.
func sessionOf(reply command.Reply) (command.SessionID, error) {
	for i := 0; i+1 < len(reply.Elements); i += 2 {
		if string(reply.Elements[i].Text) == "session" {
			return command.ParsePosition(string(reply.Elements[i+1].Text))
		}
	}
	return command.SessionID{}, fmt.Errorf("the answer to the opening of a session names none: %s", reply.Text)
}

// keep renews the session until it is gone or ctx ends.
func (s *nodeSession) keep(ctx context.Context, session command.SessionID) {
	timer := time.NewTimer(s.ttl / 4)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case questioned := <-s.questions:
			if questioned != session {
				s.commands.answered(questioned, false)
				continue
			}
		case <-ctx.Done():
			return
		}
		reply, err := s.send(ctx, command.SessionKeepAlive{Session: session})
		switch {
		case err != nil:
			timer.Reset(s.ttl / 20)
		case reply.Code == command.CodeNoSession:
			s.node.log.Warn("the node session is gone; clients with unfinished commands lose their connections", "session", session.String())
			s.commands.answered(session, false)
			return
		default:
			s.commands.answered(session, true)
			timer.Reset(s.ttl / 4)
		}
	}
}

// send carries one op of the session itself.
func (s *nodeSession) send(ctx context.Context, op command.Op) (command.Reply, error) {
	replies, err := s.urgent.carry(ctx, newJob(0, []command.Op{op}, opBytes(op)))
	if err != nil {
		return command.Reply{}, err
	}
	return replies[0], nil
}

// close ends the session, so that the cluster forgets its answers at once.
func (s *nodeSession) close(ctx context.Context) {
	s.commands.mu.Lock()
	session := s.commands.numbers.session
	s.commands.mu.Unlock()
	if !session.IsZero() {
		_, _ = s.send(ctx, command.SessionClose{Session: session})
	}
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
