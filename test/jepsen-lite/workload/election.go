package workload

import (
	"context"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// The operations of elections in a history, besides OpAcquire, which is a campaign, and OpRelease.
const (
	OpProclaim = "proclaim" // Value is what the leader says from then on
	OpLeader   = "leader"   // Token, ID and Value are the answer; no ID: nobody leads
	OpTransfer = "transfer" // Value is the candidate's id. The leader has stopped when it is asked for, also when it fails
	OpObserved = "observed" // a note: Token, ID and Value of the leader that an observer was told of
)

const (
	electionNames = 2
	observeFor    = 5 * time.Second
)

// electionActor campaigns, says something, and resigns or hands over; or looks who leads, once or for a while.
func electionActor(ctx context.Context, a *Actor) {
	if a.number == 0 {
		a.observe(ctx)
		return
	}
	a.inSessions(ctx, func(ctx context.Context, session *client.Session) {
		name := a.name(electionNames)
		if a.Random.IntN(3) == 0 {
			a.askLeader(name)
			return
		}
		a.campaign(ctx, session, name)
	})
}

func (a *Actor) campaign(ctx context.Context, session *client.Session, name string) {
	op := a.Record.Invoke(history.Event{Op: OpAcquire, Key: name, Holder: session.ID(), Value: a.unique()})
	limit, cancel := a.limited()
	leadership, err := a.Cluster.Election(name).Campaign(limit, session, op.Value)
	cancel()
	if err != nil {
		op.Value = "" // of an acquire that failed it is another's token
		a.granted(op, nil, err)
		return
	}
	a.granted(op, leadership.Held, nil)
	a.askLeader(name)
	var believed belief
	for range a.Random.IntN(3) {
		believed = believed.or(a.hold(ctx, leadership.Held, 10*time.Millisecond))
		a.proclaim(leadership)
	}
	if a.Random.IntN(3) == 0 {
		a.transfer(leadership)
	}
	a.release(leadership.Held, believed)
}

func (a *Actor) proclaim(leadership *client.Leadership) {
	op := a.Record.Invoke(history.Event{Op: OpProclaim, Key: leadership.Name(), Token: int64(leadership.Token()), ID: leadership.ID(), Value: a.unique()})
	limit, cancel := a.limited()
	defer cancel()
	err := leadership.Proclaim(limit, op.Value)
	a.Record.End(op, outcome(err), err)
}

// transfer hands over to any candidate. Without one the leader leads on.
func (a *Actor) transfer(leadership *client.Leadership) {
	limit, cancel := a.limited()
	defer cancel()
	waiting, err := a.Cluster.Election(leadership.Name()).Candidates(limit)
	if err != nil || len(waiting) == 0 {
		return
	}
	op := a.Record.Invoke(history.Event{
		Op: OpTransfer, Key: leadership.Name(), Token: int64(leadership.Token()), ID: leadership.ID(), Value: waiting[a.Random.IntN(len(waiting))].ID,
	})
	err = leadership.Transfer(limit, op.Value)
	a.Record.End(op, outcome(err), err)
}

func (a *Actor) askLeader(name string) {
	op := a.Record.Invoke(history.Event{Op: OpLeader, Key: name})
	limit, cancel := a.limited()
	defer cancel()
	leader, err := a.Cluster.Election(name).Leader(limit)
	op.Token, op.ID, op.Value = int64(leader.Token), leader.ID, leader.Value
	a.Record.End(op, outcome(err), err)
}

// observe follows one election after the other. Holder names the stream.
func (a *Actor) observe(ctx context.Context) {
	for ctx.Err() == nil {
		name := a.name(electionNames)
		limit, cancel := context.WithTimeout(ctx, observeFor)
		stream := a.unique()
		for leader, err := range a.Cluster.Election(name).Observe(limit) {
			if err != nil {
				break
			}
			a.Record.Note(history.Event{Op: OpObserved, Key: name, Holder: stream, Token: int64(leader.Token), ID: leader.ID, Value: leader.Value})
		}
		cancel()
		a.rest(ctx, 40*time.Millisecond)
	}
}
