package raftnode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/raft"
)

// classAdmin marks a frame that holds one adminRequest, as JSON.
const classAdmin frameClass = 4

// adminAction names what an operator wants.
type adminAction string

const (
	actionAdd      adminAction = "add"
	actionRemove   adminAction = "remove"
	actionTransfer adminAction = "transfer"
)

// adminRequest is one wish of an operator, on its way to the leader.
type adminRequest struct {
	Action  adminAction `json:"action"`
	NodeID  string      `json:"node_id"`
	Address string      `json:"address,omitempty"`
	Voter   bool        `json:"voter,omitempty"`
}

// adminAnswer is what became of it; an empty Text means that it was done.
type adminAnswer struct {
	Code command.Code `json:"code"`
	Text string       `json:"text"`
}

const (
	// adminPatience bounds one membership change at the leader.
	adminPatience = 15 * time.Second
	// adminMargin is how much earlier the leader gives up than the node that asked it, so that its sentence arrives.
	adminMargin = 2 * time.Second
	// catchUpLag is how many entries a non-voter may lag behind when it becomes a voter.
	catchUpLag = 256
	// configurationTimeout bounds one configuration change of Raft, from its queueing.
	configurationTimeout = 5 * time.Second
)

// AddMember implements transport.Admin.
func (n *Node) AddMember(ctx context.Context, nodeID, peerAddress string, voter bool) error {
	if nodeID == "" || len(nodeID) > peer.MaxNodeIDLength {
		return transport.Errorf(command.CodeGeneric, "a node id has 1 to %d bytes; find it in the new node's status", peer.MaxNodeIDLength)
	}
	if err := checkAddress("the peer address", peerAddress, true); err != nil {
		return transport.Errorf(command.CodeGeneric, "%v", err)
	}
	return n.administer(ctx, adminRequest{Action: actionAdd, NodeID: nodeID, Address: peerAddress, Voter: voter})
}

// RemoveMember implements transport.Admin.
func (n *Node) RemoveMember(ctx context.Context, nodeID string) error {
	return n.administer(ctx, adminRequest{Action: actionRemove, NodeID: nodeID})
}

// TransferLeadership implements transport.Admin.
func (n *Node) TransferLeadership(ctx context.Context, nodeID string) error {
	return n.administer(ctx, adminRequest{Action: actionTransfer, NodeID: nodeID})
}

// administer does what is asked on this node if it leads, or lets the leader do it. Each request can be repeated: what is done already is done.
func (n *Node) administer(ctx context.Context, request adminRequest) error {
	if err := n.refusal(); err != nil {
		return err
	}
	held, cancel := context.WithTimeout(ctx, n.config.LeaderHold)
	defer cancel()
	for {
		err := n.administerOnce(ctx, request)
		if transport.CodeOf(err) != command.CodeNoLeader {
			return err
		}
		_, changed := n.leadership.route()
		select {
		case <-changed:
		case <-time.After(retryPause):
		case <-held.Done():
			return err
		}
	}
}

// administerOnce asks whoever leads now.
func (n *Node) administerOnce(ctx context.Context, request adminRequest) error {
	switch route, _ := n.leadership.route(); {
	case route.reign != nil:
		ctx, cancel := context.WithTimeout(ctx, adminPatience)
		defer cancel()
		return n.administerHere(ctx, request)
	case route.known():
		return n.administerThere(ctx, route.leader, request)
	}
	return errNoLeader()
}

// administerThere asks the leader.
func (n *Node) administerThere(ctx context.Context, leader peer.Target, request adminRequest) error {
	payload, err := json.Marshal(request)
	if err != nil {
		return transport.Errorf(command.CodeGeneric, "the request cannot be written: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, adminPatience)
	defer cancel()
	answer, err := n.port.Forward(ctx, leader, append([]byte{byte(classAdmin)}, payload...))
	if peer.Unsent(err) {
		return transport.Errorf(command.CodeNoLeader, "the leader %s cannot be reached: %v; retry", leader, err)
	}
	var outcome adminAnswer
	if err == nil {
		err = json.Unmarshal(answer, &outcome)
	}
	if err != nil && request.Action == actionRemove && request.NodeID == string(n.self().NodeID) && n.wasRemoved(ctx) {
		return nil // the leader has closed the connection of a node that is no member any more
	}
	if err != nil {
		return transport.Errorf(command.CodeUnknownOutcome, "the leader was asked and did not answer (%v); look at the members, and repeat the request if need be", err)
	}
	if outcome.Text != "" {
		return transport.Errorf(outcome.Code, "%s", outcome.Text)
	}
	return nil
}

// wasRemoved waits a moment for the word that this node was removed.
func (n *Node) wasRemoved(ctx context.Context) bool {
	timer := time.NewTimer(adminMargin)
	defer timer.Stop()
	select {
	case <-n.running.Done():
	case <-timer.C:
	case <-ctx.Done():
	}
	return n.Err() != nil
}

// serveAdmin does for another node what administer does here.
func (n *Node) serveAdmin(payload []byte, respond func([]byte)) {
	var request adminRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		respondAdmin(respond, transport.Errorf(command.CodeMalformed, "the request does not decode: %v", err))
		return
	}
	if route, _ := n.leadership.route(); route.reign == nil {
		respondAdmin(respond, errNoLeader())
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(n.running, adminPatience-adminMargin)
		defer cancel()
		respondAdmin(respond, n.administerHere(ctx, request)) // CodeNoLeader lets the asking node ask again, elsewhere
	}()
}

func respondAdmin(respond func([]byte), err error) {
	var answer adminAnswer
	if err != nil {
		answer = adminAnswer{Code: transport.CodeOf(err), Text: err.Error()}
		var coded *transport.Error
		if errors.As(err, &coded) {
			answer.Text = coded.Text
		}
	}
	encoded, _ := json.Marshal(answer) // a struct of a number and a string always encodes
	respond(encoded)
}

// administerHere does what is asked, as leader.
func (n *Node) administerHere(ctx context.Context, request adminRequest) error {
	switch request.Action {
	case actionAdd:
		return n.addHere(ctx, request)
	case actionRemove:
		return n.removeHere(ctx, request.NodeID)
	case actionTransfer:
		return n.transferHere(ctx, request.NodeID)
	}
	return transport.Errorf(command.CodeGeneric, "the action %q is unknown to this version of coordd", string(request.Action))
}

// find looks a server up in the newest configuration.
func (n *Node) find(nodeID string) (server raft.Server, ok bool) {
	for _, server := range n.raft.GetConfiguration().Configuration().Servers {
		if string(server.ID) == nodeID {
			return server, true
		}
	}
	return raft.Server{}, false
}

// addHere adds a node as a non-voter, which risks nothing, and makes it a voter once it has caught up.
func (n *Node) addHere(ctx context.Context, request adminRequest) error {
	id, address := raft.ServerID(request.NodeID), raft.ServerAddress(request.Address)
	server, known := n.find(request.NodeID)
	switch {
	case known && server.Address != address:
		return transport.Errorf(command.CodeGeneric, "node %s is a member at %s already; to move it, remove it and add a node with an empty data directory", id, server.Address)
	case known && server.Suffrage == raft.Voter && !request.Voter:
		return transport.Errorf(command.CodeGeneric, "node %s is a voter; remove it to take its vote away", id)
	case !known:
		// It must have joined before it is a member: afterwards its id would not be new any more, and it could not.
		if err := n.awaitAnswer(ctx, targetOf(raft.Server{ID: id, Address: address})); err != nil {
			return err
		}
		if err := n.changed(n.raft.AddNonvoter(id, address, 0, configurationTimeout)); err != nil {
			return err
		}
		n.refreshRoster()
	}
	if !request.Voter || server.Suffrage == raft.Voter && known {
		return nil
	}
	if err := n.awaitCaughtUp(ctx, targetOf(raft.Server{ID: id, Address: address})); err != nil {
		return err
	}
	return n.changed(n.raft.AddVoter(id, address, 0, configurationTimeout))
}

// awaitAnswer waits until the node answers as one of this cluster.
func (n *Node) awaitAnswer(ctx context.Context, target peer.Target) error {
	for {
		_, err := n.lagOf(ctx, target)
		if err == nil {
			return nil
		}
		if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return transport.Errorf(command.CodeBusy, "node %s was not added, because it does not answer yet (%v); start it with an address of this cluster in its list to join, and ask again", target, err)
		}
	}
}

// awaitCaughtUp waits until the node has nearly all of the log.
func (n *Node) awaitCaughtUp(ctx context.Context, target peer.Target) error {
	for {
		var text string
		behind, err := n.lagOf(ctx, target)
		switch {
		case err != nil:
			text = err.Error()
		case behind <= catchUpLag:
			return nil
		default:
			text = fmt.Sprintf("it lags %d entries behind", behind)
		}
		if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return transport.Errorf(command.CodeBusy, "node %s was added as a non-voter and has not caught up yet (%s); start it if it does not run, and ask again", target.NodeID, text)
		}
	}
}

// removeHere takes a node out of the configuration. A leader that is to go hands leadership over first.
func (n *Node) removeHere(ctx context.Context, nodeID string) error {
	server, known := n.find(nodeID)
	voters, _ := n.voters()
	switch {
	case !known:
		return nil
	case server.Suffrage == raft.Voter && voters == 1:
		return transport.Errorf(command.CodeGeneric, "node %s is the only voter; a cluster cannot do without one", nodeID)
	case nodeID == string(n.self().NodeID):
		if err := n.transferHere(ctx, ""); err != nil {
			return err
		}
		return transport.Errorf(command.CodeNoLeader, "node %s has handed leadership over before it is removed; ask again", nodeID)
	}
	if err := n.changed(n.raft.RemoveServer(server.ID, 0, configurationTimeout)); err != nil {
		return err
	}
	n.refreshRoster()
	return nil
}

// changed waits for a configuration change.
func (n *Node) changed(future raft.IndexFuture) error {
	failed := make(chan error, 1)
	go func() { failed <- outcomeOf(future, n.raftEnded) }()
	timer := time.NewTimer(configurationTimeout)
	defer timer.Stop()
	var err error
	select {
	case err = <-failed:
	case <-timer.C:
		err = raft.ErrLeadershipLost
	}
	n.leadership.look()
	switch {
	case err == nil:
		return nil
	case definitelyNotProposed(err):
		return transport.Errorf(command.CodeNoLeader, "the configuration was not changed: %v; retry", err)
	}
	return transport.Errorf(command.CodeUnknownOutcome, "the configuration change was proposed and its fate is not known (%v); look at the members", err)
}

// removals are the nodes that told this one that it was removed.
type removals struct {
	mu  sync.Mutex
	who map[peer.NodeID]bool
}

// toldRemoved notes such a word. One node may lag, or lead a minority; when a majority of the other voters says so, this node stops.
func (n *Node) toldRemoved(by peer.NodeID) {
	if n.engine() == nil {
		return
	}
	_, others := n.voters()
	n.removals.mu.Lock()
	defer n.removals.mu.Unlock()
	if n.removals.who == nil {
		n.removals.who = make(map[peer.NodeID]bool)
	}
	n.removals.who[by] = true
	told := 0
	for _, other := range others {
		if n.removals.who[other.NodeID] {
			told++
		}
	}
	if told > len(others)/2 {
		n.fatal(errRemoved(string(n.self().NodeID)))
	}
}

// askWhetherRemoved asks the others when the newest configuration of this node leaves it out: such a node stands for no election and is sent nothing, so it would
// otherwise never hear whether that configuration was committed. Their port refuses it, with the reason, if it was.
func (n *Node) askWhetherRemoved(ctx context.Context) {
	if !n.isMember.Load() || contains(n.raft.GetConfiguration().Configuration(), raft.ServerID(n.self().NodeID)) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, n.config.RaftTimeout)
	defer cancel()
	_, others := n.voters()
	var asking sync.WaitGroup
	for _, other := range others {
		asking.Go(func() { _, _ = n.port.Term(ctx, other) }) // only the handshake matters; it is seen by the observer
	}
	asking.Wait()
}
