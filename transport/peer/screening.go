package peer

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/raft"
)

// screen passes requests on to Raft and answers those itself that must not reach it. It judges each one by what Raft has made of those before, so it waits for Raft's answers: whether a
// request is covered by a snapshot, or a snapshot by the log, cannot be told while Raft is still at work. Raft's main loop takes one request at a time in any case.
func (t *RaftTransport) screen() {
	for {
		select {
		case rpc := <-t.NetworkTransport.Consumer():
			if err := t.judge(rpc); err != nil {
				t.config.Logger.Warn("a Raft request was refused", "reason", err)
				t.screening.Go(func() { answer(rpc, nil, err) })
				continue
			}
			switch request := rpc.Command.(type) {
			case *raft.AppendEntriesRequest:
				if t.config.Covered != nil {
					shorten(request, t.config.Covered)
				}
			case *raft.InstallSnapshotRequest:
				if response := t.hasAlready(request); response != nil {
					t.screening.Go(func() { answer(rpc, response, nil) })
					continue
				}
			}
			if !t.pass(rpc) {
				return
			}
		case <-t.closed:
			return
		}
	}
}

// pass gives a request to Raft and its answer to whoever asked. It reports false when the transport was closed.
func (t *RaftTransport) pass(rpc raft.RPC) bool {
	answered := make(chan raft.RPCResponse, 1)
	select {
	case t.screened <- raft.RPC{Command: rpc.Command, Reader: rpc.Reader, RespChan: answered}:
	case <-t.closed:
		return false
	}
	select {
	case response := <-answered:
		rpc.Respond(response.Response, response.Error)
		return true
	case <-t.closed:
		return false
	}
}

// hasAlready is the answer to a snapshot of which this node has everything: one that comes twice, or one that is left over from an attempt that its leader gave up, still readable from
// its connection. It is nil for any other. Raft would install it again: the machine would go back, what the log says behind it about the members of the cluster would be forgotten while it stays in
// the log, and so this node could vote with a majority of members that are none any more. A leader of an older term gets its refusal from Raft.
func (t *RaftTransport) hasAlready(request *raft.InstallSnapshotRequest) *raft.InstallSnapshotResponse {
	current, committed := t.config.CurrentTerm(), t.config.Committed()
	if request.Term < current || request.LastLogIndex > committed {
		return nil
	}
	t.config.Logger.Info("a snapshot is not installed, since this node has everything in it", "snapshot", request.LastLogIndex, "committed", committed)
	return &raft.InstallSnapshotResponse{Term: current, Success: true}
}

// answer answers a request that does not reach Raft. A snapshot must be read to its end first, or its bytes would be taken for the next request.
func answer(rpc raft.RPC, response any, err error) {
	if rpc.Reader != nil {
		_, _ = io.Copy(io.Discard, rpc.Reader)
	}
	rpc.Respond(response, err)
}

// judge says whether a request may reach Raft.
func (t *RaftTransport) judge(rpc raft.RPC) error {
	request, ok := rpc.Command.(raft.WithRPCHeader)
	if !ok {
		return fmt.Errorf("a request of type %T is not known here", rpc.Command)
	}
	header := request.GetRPCHeader()
	sender := NodeID(header.ID)
	if sender == "" || !strings.HasPrefix(string(header.Addr), string(sender)+"@") {
		return errors.New("a Raft request must name its sender")
	}
	term, election := termOf(rpc.Command)
	if err := t.judgeTerm(sender, term); err != nil {
		return err
	}
	return t.port.config.Authorizer.AuthorizeRaft(sender, election)
}

// judgeTerm refuses terms that no honest cluster reaches.
func (t *RaftTransport) judgeTerm(sender NodeID, term uint64) error {
	if current := t.config.CurrentTerm(); term > current && term-current > maxTermJump {
		return fmt.Errorf("node %s speaks of term %d, but the term here is %d", sender, term, current)
	}
	return nil
}

// termOf gives a request's term, and whether it asks for a vote or an election.
func termOf(command any) (term uint64, election bool) {
	switch request := command.(type) {
	case *raft.AppendEntriesRequest:
		return request.Term, false
	case *raft.InstallSnapshotRequest:
		return request.Term, false
	case *raft.RequestVoteRequest:
		return request.Term, true
	case *raft.RequestPreVoteRequest:
		return request.Term, true
	}
	return 0, true
}
