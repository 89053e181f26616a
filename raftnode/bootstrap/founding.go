package bootstrap

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coordd/coordd/raftnode/datadir"
	"github.com/coordd/coordd/transport/peer"
)

// Times of the protocol.
const (
	// stepInterval is how often a node looks again when nothing woke it.
	stepInterval = 150 * time.Millisecond
	// callLimit bounds one question to one node.
	callLimit = 2 * time.Second
	// refusalGrace is how long a reason to refuse must last before Run gives up. Discovery may still show a node that is gone.
	refusalGrace = 5 * time.Second
)

// Caller sends one message to another node. *peer.Port is one.
type Caller interface {
	Bootstrap(ctx context.Context, to peer.Target, payload []byte) ([]byte, error)
}

// Notes is where promises are kept; every method returns only when the disk has it. *datadir.Dir is one.
type Notes interface {
	Identity() datadir.Identity
	SetPromise(datadir.Promise) error
	SetClusterID(id string) error
	SetFounded(clusterID string) error
}

// Config says who founds what.
type Config struct {
	Self peer.Target
	// Expect is the number of nodes that found the cluster; 0 in a node that only answers.
	Expect int
	Notes  Notes
	Caller Caller
	// Discover lists the nodes that live now; this node may be among them. It may be nil in a node that only answers.
	Discover func() []Sighting
	// Changed may hold a value when the list may have changed; nil means that Run looks from time to time.
	Changed <-chan struct{}
	// Configuration gives what this node knows of its cluster's members, from the newest configuration in its log. Nodes that want to join are
	// answered from it; nil while there is none.
	Configuration func() Configuration
	// Logger may be nil.
	Logger hclog.Logger
}

// Outcome is how the founding ended on this node.
type Outcome struct {
	ClusterID string
	// Members are the founding voters, ordered by id.
	Members []datadir.Member
	// Founder is true on the one node that must write Raft's first configuration with Members, and then call Dir.SetBootstrapped.
	Founder bool
}

// Founding is this node's part in the protocol.
type Founding struct {
	config Config
	// promising makes looking at the view and promising one step.
	promising sync.Mutex
	lastWord  string
}

// New makes it. Nothing is sent before Run; Handle answers from the start.
func New(config Config) (*Founding, error) {
	switch {
	case config.Notes == nil || config.Caller == nil:
		return nil, errors.New("founding needs a place for promises and a way to call other nodes")
	case config.Expect < 0 || config.Expect > maxMembers:
		return nil, fmt.Errorf("%d nodes cannot found a cluster; 1 to %d can", config.Expect, maxMembers)
	case config.Self.NodeID == "" || config.Self.Address == "":
		return nil, errors.New("founding needs the node's own id and peer address")
	}
	if config.Discover == nil {
		config.Discover = func() []Sighting { return nil }
	}
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	return &Founding{config: config}, nil
}

// Run takes part until the cluster is founded, ctx ends, or a reason to refuse has lasted; the error is then the sentence for the
// operator. It may be called again after a restart at any point.
func (f *Founding) Run(ctx context.Context) (Outcome, error) {
	var refusedSince time.Time
	for {
		outcome, refusal, err := f.step(ctx)
		if err != nil {
			return Outcome{}, err
		}
		if outcome != nil {
			return *outcome, nil
		}
		now := time.Now()
		switch {
		case refusal == "":
			refusedSince = time.Time{}
		case refusedSince.IsZero():
			refusedSince = now
		case now.Sub(refusedSince) >= refusalGrace:
			return Outcome{}, errors.New(refusal)
		}
		select {
		case <-ctx.Done():
			return Outcome{}, ctx.Err()
		case <-f.config.Changed:
		case <-time.After(stepInterval):
		}
	}
}

// step carries out one decision. It gives the outcome when there is one, a reason to refuse when there is one, and an error when this
// node's own disk fails.
func (f *Founding) step(ctx context.Context) (outcome *Outcome, refusal string, err error) {
	view := f.view()
	decision := Decide(view)
	switch decision.Action {
	case Done:
		return &Outcome{ClusterID: view.Notes.ClusterID, Members: decision.Members, Founder: view.Notes.Founder}, "", nil
	case Gather:
		refusal, err = f.gather(ctx, decision.Members)
	case Ask:
		err = f.ask(ctx, decision.Members)
	case Refuse:
		refusal = decision.Reason
	case Wait:
	}
	f.say(firstOf(refusal, decision.Reason))
	return nil, refusal, err
}

// firstOf gives the first sentence that is not empty.
func firstOf(sentences ...string) string {
	for _, s := range sentences {
		if s != "" {
			return s
		}
	}
	return ""
}

// say logs a sentence when it is another than the last.
func (f *Founding) say(sentence string) {
	if sentence != "" && sentence != f.lastWord {
		f.config.Logger.Info("founding the cluster", "state", sentence)
	}
	f.lastWord = sentence
}

// view is what this node knows now.
func (f *Founding) view() View {
	return View{
		Self:   datadir.Member{NodeID: string(f.config.Self.NodeID), Address: f.config.Self.Address},
		Expect: f.config.Expect,
		Notes:  f.config.Notes.Identity(),
		Seen:   f.config.Discover(),
	}
}

// gather is the founder's part: everybody agrees, then everybody promises, then the cluster gets its id. A refusal by somebody is
// returned as a reason; what may pass, such as a node that does not answer yet, is not.
func (f *Founding) gather(ctx context.Context, members []datadir.Member) (refusal string, err error) {
	if f.config.Notes.Identity().Promise == nil {
		if agreed, refusal := f.askAll(ctx, askAgree, members); !agreed {
			return refusal, nil
		}
		if err := f.promise(f.config.Self.NodeID, members); err != nil {
			var no disagreement
			if errors.As(err, &no) {
				return "", nil
			}
			return "", err
		}
	}
	if agreed, refusal := f.askAll(ctx, askPromise, members); !agreed {
		return refusal, nil
	}
	return "", f.config.Notes.SetFounded(newClusterID())
}

// newClusterID makes a random id for a cluster.
func newClusterID() string {
	var random [16]byte
	_, _ = rand.Read(random[:])
	return fmt.Sprintf("%x", random)
}

// askAll asks all other members and reports whether all said yes. refusal is the first no that time cannot turn into a yes: of a node that
// belongs to a cluster or has promised something else. Silence, and a node that does not see everybody yet, are no refusals.
func (f *Founding) askAll(ctx context.Context, q question, members []datadir.Member) (agreed bool, refusal string) {
	own := datadir.Promise{Members: members}
	agreed = true
	for _, reply := range f.callAll(ctx, q, members) {
		if reply.err == nil && reply.answer.Yes {
			continue
		}
		agreed = false
		bound := reply.answer.ClusterID != "" || reply.answer.Promise != nil && !reply.answer.Promise.Equal(own)
		if reply.err == nil && bound {
			refusal = firstOf(refusal, reply.answer.Reason, "node "+reply.member.NodeID+" does not agree")
		}
		f.config.Logger.Debug("a founding node does not agree yet", "node", reply.member.NodeID, "reason", reply.answer.Reason, "error", reply.err)
	}
	return agreed, refusal
}

// ask is the part of the others once they promised: they learn the id from any member that promised the same and has it.
func (f *Founding) ask(ctx context.Context, members []datadir.Member) error {
	own := datadir.Promise{Members: members}
	for _, reply := range f.callAll(ctx, askCluster, members) {
		if reply.err == nil && reply.answer.ClusterID != "" && reply.answer.Promise != nil && reply.answer.Promise.Equal(own) {
			return f.config.Notes.SetClusterID(reply.answer.ClusterID)
		}
	}
	return nil
}

// reply is what one member answered.
type reply struct {
	member datadir.Member
	answer answer
	err    error
}

// callAll asks all other members at once and waits for each.
func (f *Founding) callAll(ctx context.Context, q question, members []datadir.Member) []reply {
	payload, err := json.Marshal(message{Version: messageVersion, Question: q, Members: members})
	if err != nil {
		return []reply{{err: err}}
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	others := slices.DeleteFunc(slices.Clone(members), func(m datadir.Member) bool { return m.NodeID == string(f.config.Self.NodeID) })
	replies := make([]reply, len(others))
	var calls sync.WaitGroup
	for i, member := range others {
		calls.Go(func() {
			replies[i] = reply{member: member}
			text, err := f.config.Caller.Bootstrap(ctx, peer.Target{NodeID: peer.NodeID(member.NodeID), Address: member.Address}, payload)
			if err == nil {
				err = json.Unmarshal(text, &replies[i].answer)
			}
			replies[i].err = err
		})
	}
	calls.Wait()
	return replies
}

// Handle answers a message of another node; peer.Handler.Bootstrap passes them here for as long as the node runs, also when it founds
// nothing or has long been a member: others learn the cluster's id from it.
func (f *Founding) Handle(_ context.Context, from peer.Identity, payload []byte) ([]byte, error) {
	m, err := parse(payload)
	if err != nil {
		return nil, err
	}
	var said answer
	switch m.Question {
	case askCluster:
		said.Yes = true
	case askJoin:
		said = f.answerJoin(string(from.NodeID))
	case askAgree:
		said.Reason = Agree(f.view(), from.NodeID, m.Members)
		said.Yes = said.Reason == ""
	case askPromise:
		err := f.promise(from.NodeID, m.Members)
		var no disagreement
		if errors.As(err, &no) {
			said.Reason = string(no)
		} else if err != nil {
			return nil, err
		}
		said.Yes = err == nil
	default:
		return nil, fmt.Errorf("the founding question %q is not known here", m.Question)
	}
	notes := f.config.Notes.Identity()
	said.ClusterID, said.Promise = notes.ClusterID, notes.Promise
	return json.Marshal(said)
}

// disagreement is why a node does not promise.
type disagreement string

// Error gives the sentence.
func (d disagreement) Error() string { return string(d) }

// promise gives this node's word, on disk, if it may.
func (f *Founding) promise(founder peer.NodeID, members []datadir.Member) error {
	f.promising.Lock()
	defer f.promising.Unlock()
	if reason := Agree(f.view(), founder, members); reason != "" {
		return disagreement(reason)
	}
	return f.config.Notes.SetPromise(datadir.Promise{Members: members})
}
