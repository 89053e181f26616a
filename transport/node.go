package transport

import (
	"context"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// Node is what a door needs from a node. Any node of a cluster serves any command: a follower forwards to the leader, and holds requests for
// a bounded time while there is none. All methods may be called from any goroutine.
type Node interface {
	// OpenLane numbers a new connection. Commands of one lane keep their order and are never in two log entries at once.
	OpenLane() (lane uint64)

	// Execute runs the ops of one lane in order and answers one reply each. When every op is read-only they are answered by one linearizable
	// read; otherwise all of them go through the log. The caller must not call it for the same lane again before it returns.
	//
	// It returns the replies of the first len(replies) ops; a non-nil error, always an *Error, concerns the rest. With CodeUnknownOutcome
	// the first op without a reply may or may not have happened, now or later, and a door must close its connection without answering.
	// With every other code the ops without a reply have not happened and will not.
	Execute(ctx context.Context, lane uint64, ops []command.Op) (replies []command.Reply, err error)

	// Await waits for the end of a wait that an acquire began: the map of a grant, or a TIMEOUT, CANCELLED or NOSESSION error as reply.
	// It returns an error when ctx ends or the node stops; the waiter then still stands in its queue, and the caller cancels it.
	Await(ctx context.Context, name string, waiter command.WaiterID) (command.Reply, error)

	// Events answers what the log did after a position, in order: the wanted events, at most so many. It speaks for what this node has run, so a position that a read
	// answered may lie ahead of it; the events after it come all the same. With wait it waits for the first one until ctx ends, and then answers an empty page. An
	// *Error with CodeTooOld says that this node no longer has all events after the position: begin anew with a list, and go on from its position.
	Events(ctx context.Context, after command.Position, most int, wanted func(*fsm.Event) bool, wait bool) (EventPage, error)

	// Status tells how this node sees itself and the cluster. It never blocks and never asks another node.
	Status() Status
}

// Admin is what operators may do to a cluster through a node. Each call is forwarded to the leader and returns an *Error like Node.Execute.
type Admin interface {
	// AddMember adds a node as a non-voter that is promoted to voter once it has caught up, or, with voter false, leaves it a non-voter.
	AddMember(ctx context.Context, nodeID, peerAddress string, voter bool) error
	// RemoveMember takes a node out of the configuration. Replacing a node in place is remove, then add.
	RemoveMember(ctx context.Context, nodeID string) error
	// TransferLeadership hands leadership to a caught-up voter; with an empty nodeID the leader chooses.
	TransferLeadership(ctx context.Context, nodeID string) error
}

// Role is what a node is in its term.
type Role string

// The roles. A node that has not joined a cluster yet is waiting.
const (
	RoleLeader    Role = "leader"
	RoleFollower  Role = "follower"
	RoleCandidate Role = "candidate"
	RoleWaiting   Role = "waiting"
	RoleStopped   Role = "stopped"
)

// Member is one server of the committed configuration, with what gossip adds to it. Gossip is a hint: it never decides.
type Member struct {
	NodeID      string `json:"node_id"`
	Voter       bool   `json:"voter"`
	Leader      bool   `json:"leader"`
	Self        bool   `json:"self"`
	PeerAddress string `json:"peer_address"`
	// RedisAddress and HTTPAddress are what the node advertises; empty when gossip has not told yet.
	RedisAddress string `json:"redis_address,omitempty"`
	HTTPAddress  string `json:"http_address,omitempty"`
	// Gossip is alive, suspect, dead, left or unknown, as gossip sees it.
	Gossip string `json:"gossip"`
}

// Gossiper is a node as gossip shows it to one other, a member of the cluster or not. It is a hint: whoever has the gossip key can say anything here.
type Gossiper struct {
	NodeID string `json:"node_id"`
	// State is alive, suspect, dead or left. Suspicions are those of the node that tells this.
	State string `json:"state"`
	// Since is when that node came to believe it, by its own wall clock.
	Since         time.Time `json:"since"`
	GossipAddress string    `json:"gossip_address"`
	PeerAddress   string    `json:"peer_address"`
	RedisAddress  string    `json:"redis_address,omitempty"`
	HTTPAddress   string    `json:"http_address,omitempty"`
	ClusterID     string    `json:"cluster_id,omitempty"`
}

// GossipWorker is a worker of a pool as gossip shows it to one node. It is a hint, as a Gossiper is, and no node.
type GossipWorker struct {
	Pool          string    `json:"pool"`
	ID            string    `json:"id"`
	Session       string    `json:"session"`
	State         string    `json:"state"`
	Since         time.Time `json:"since"`
	GossipAddress string    `json:"gossip_address"`
}

// MaxGossipWorkers is how many workers a Status lists.
const MaxGossipWorkers = 512

// Status is how a node sees itself and its cluster.
type Status struct {
	NodeID        string    `json:"node_id"`
	ClusterID     string    `json:"cluster_id"`
	ClusterName   string    `json:"cluster_name"`
	Role          Role      `json:"role"`
	LeaderID      string    `json:"leader_id"`
	Term          uint64    `json:"term"`
	CommitIndex   uint64    `json:"commit_index"`
	AppliedIndex  uint64    `json:"applied_index"` // what the machine has run, not what was queued for it
	LastIndex     uint64    `json:"last_index"`
	NowMs         int64     `json:"now_ms"`       // replicated instant of the applied state
	StateHash     string    `json:"state_hash"`   // hash chain at AppliedIndex, hexadecimal
	Ready         bool      `json:"ready"`        // it can serve: a leader is known and this node has caught up once
	ReadyReason   string    `json:"ready_reason"` // why not, as a sentence
	StartedAt     time.Time `json:"started_at"`
	Sessions      int       `json:"sessions"`
	Locks         int       `json:"locks"`
	Names         int       `json:"names"`
	Waiters       int       `json:"waiters"`
	Members       []Member  `json:"members"`
	Version       string    `json:"version"`
	DataDirectory string    `json:"data_dir,omitempty"`
	// Gossip is what gossip shows to this node, itself included; empty without gossip.
	Gossip []Gossiper `json:"gossip,omitempty"`
	// Workers are the first MaxGossipWorkers of those that gossip shows to this node.
	Workers []GossipWorker `json:"workers,omitempty"`
}

// Voters counts the voters of the committed configuration.
func (s Status) Voters() int {
	voters := 0
	for _, member := range s.Members {
		if member.Voter {
			voters++
		}
	}
	return voters
}
