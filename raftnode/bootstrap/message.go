package bootstrap

import (
	"encoding/json"
	"fmt"

	"github.com/coordd/coordd/raftnode/datadir"
)

// Limits of a message.
const (
	maxMessageSize = 64 << 10
	maxMembers     = 64
	messageVersion = 1
)

// question says what a message asks.
type question string

const (
	// askAgree: do you see the same members? Nothing is kept.
	askAgree question = "agree"
	// askPromise: promise to found a cluster with these members.
	askPromise question = "promise"
	// askCluster: what have you promised, and which cluster came of it?
	askCluster question = "cluster"
	// askJoin: is my id new to your cluster?
	askJoin question = "join"
)

// message is what one node asks another.
type message struct {
	Version  int              `json:"version"`
	Question question         `json:"question"`
	Members  []datadir.Member `json:"members,omitempty"`
}

// answer is what the other one says.
type answer struct {
	// Yes answers askAgree, askPromise and askJoin; Reason says why not.
	Yes    bool   `json:"yes"`
	Reason string `json:"reason,omitempty"`
	// ClusterID and Promise are what the answering node's data directory remembers.
	ClusterID string           `json:"cluster_id,omitempty"`
	Promise   *datadir.Promise `json:"promise,omitempty"`
	// Known and Voters answer askJoin: whether the id is taken, and whom to ask beside this node.
	Known  bool             `json:"known,omitempty"`
	Voters []datadir.Member `json:"voters,omitempty"`
}

// parse reads a message of another node.
func parse(payload []byte) (message, error) {
	if len(payload) > maxMessageSize {
		return message{}, fmt.Errorf("a founding message of %d bytes exceeds %d", len(payload), maxMessageSize)
	}
	var m message
	if err := json.Unmarshal(payload, &m); err != nil {
		return message{}, fmt.Errorf("a founding message is malformed: %w", err)
	}
	if m.Version != messageVersion {
		return message{}, fmt.Errorf("founding messages of version %d are not known here; start the same coordd on all nodes", m.Version)
	}
	if len(m.Members) > maxMembers {
		return message{}, fmt.Errorf("a founding message names %d members; %d are allowed", len(m.Members), maxMembers)
	}
	return m, nil
}
