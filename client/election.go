package client

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Election is a lock whose holder leads and says something of itself that others read. It shares its name with the lock of that name.
type Election struct {
	client *Client
	name   string
}

// Election makes a handle; nothing is asked of the cluster yet.
func (c *Client) Election(name string) *Election { return &Election{client: c, name: name} }

// Campaign waits until the session leads, first come, first served, as [Session.Lock] waits. The value is what others read of the leader; at most 1024 bytes. [Owner] names the candidate, for
// [Leadership.Transfer].
func (e *Election) Campaign(ctx context.Context, session *Session, value string, options ...LockOption) (*Leadership, error) {
	held, err := session.wait(ctx, newAcquisition(optionsOf(options), []string{e.name}, "ELECTION.CAMPAIGN", e.name, "VALUE", value))
	if err != nil {
		return nil, err
	}
	return &Leadership{Held: held}, nil
}

// Leader is who leads, at one moment. The zero value says that nobody does.
type Leader struct {
	Candidate  string // the leader's owner id, or its session when it has none; empty: there is no leader
	Value      string
	Token      uint64
	ID         string // of the hold
	Session    string
	Client     string
	Candidates int           // how many wait
	Reserved   time.Duration // how long nobody can become leader yet, when there is none
}

// Vacant reports that nobody leads.
func (l Leader) Vacant() bool { return l.Candidate == "" }

// Leader tells who leads at this moment. Nobody is no error: see [Leader.Vacant].
func (e *Election) Leader(ctx context.Context) (Leader, error) {
	answer, _, err := e.client.request(ctx, e.client.repeated(), "ELECTION.LEADER", e.name)
	if err != nil {
		return Leader{}, refusal(e.name, err)
	}
	f := mapOf(answer)
	return Leader{Candidate: f.text("leader"), Value: f.text("value"), Token: f.token("token"), ID: f.text("waiter"), Session: f.text("session"), Client: f.text("client"),
		Candidates: int(f.number("candidates")), Reserved: f.distance("until_ms", f.number("now_ms"))}, nil
}

// Candidates tells who waits to lead, in order.
func (e *Election) Candidates(ctx context.Context) ([]Waiter, error) {
	answer, _, err := e.client.request(ctx, e.client.repeated(), "ELECTION.CANDIDATES", e.name)
	if err != nil {
		return nil, refusal(e.name, err)
	}
	return waitersOf(elementsOf(answer), 0), nil
}

// Observe yields who leads, or that nobody does, at once and then after each change, until the context ends. Each is read from the cluster after the change, so it is never older than the one
// before; changes that follow each other quickly may come as one.
func (e *Election) Observe(ctx context.Context) iter.Seq2[Leader, error] {
	return func(yield func(Leader, error) bool) {
		var last Leader
		told := false
		// tell reads the leader and hands it on if it is another one, or says something else.
		tell := func() (more bool) {
			leader, err := e.Leader(ctx)
			if err != nil {
				yield(Leader{}, err)
				return false
			}
			same := told && leader.Token == last.Token && leader.Value == last.Value && leader.Candidate == last.Candidate
			last, told = leader, true
			return same || yield(leader, nil)
		}
		from, err := e.client.LocksPage(ctx, ListOptions{Match: "coordd:", Count: 1}) // its position is all that is wanted
		if err != nil {
			yield(Leader{}, err)
			return
		}
		if !tell() {
			return
		}
		for event, err := range e.client.Watch(ctx, WatchOptions{From: from.Position, Names: []string{e.name}}) {
			switch {
			case err != nil:
				yield(Leader{}, err)
				return
			case event.Type == "began" || event.Type == "vacant" || event.Type == "described" || event.Type == "ended":
				if !tell() {
					return
				}
			}
		}
	}
}

// Leadership is the hold of a leader. Its context ends when it leads no more; [Held.Release] resigns.
type Leadership struct{ *Held }

// Proclaim changes what others read of the leader.
func (l *Leadership) Proclaim(ctx context.Context, value string) error {
	s := l.hold.session
	request := s.numbers.begin()
	defer request.done()
	words := append([]string{"ELECTION.PROCLAIM", l.Name(), l.ID(), "VALUE", value}, l.asOwner()...)
	if _, _, err := s.client.request(ctx, s.client.repeated(), append(words, request.options()...)...); err != nil {
		return refusal(l.Name(), err)
	}
	return nil
}

// Resign gives the leadership up to whoever is next. It is [Held.Release].
func (l *Leadership) Resign(ctx context.Context) error { return l.Release(ctx) }

// ErrNoCandidate says that nobody of that name waits to lead.
var ErrNoCandidate = errors.New("no candidate of that name waits")

// Transfer hands the leadership to a candidate out of turn: to the one with that id or, failing that, the first of that name. Stop the work of a leader before: the context ends before the
// cluster is asked. When nobody of that name waits the error is ErrNoCandidate and the leader leads on, unless the candidate went away in that very moment: then the leadership is resigned.
func (l *Leadership) Transfer(ctx context.Context, candidate string) error {
	s := l.hold.session
	waiting, err := s.client.Election(l.Name()).Candidates(ctx)
	if err != nil {
		return err
	}
	if !hasCandidate(waiting, candidate) {
		return ErrNoCandidate
	}
	l.end(ErrReleased)
	request := s.numbers.begin()
	defer request.done()
	words := append([]string{"ELECTION.TRANSFER", l.Name(), l.ID(), "TO", candidate}, l.asOwner()...)
	_, _, err = s.client.request(ctx, s.client.repeated(), append(words, request.options()...)...)
	released := l.Release(ctx) // of what is over by now, or could not be handed over
	switch {
	case hasCode(err, "NOCANDIDATE"):
		return ErrNoCandidate
	case err != nil:
		return refusal(l.Name(), err)
	}
	return released
}

func (l *Leadership) asOwner() []string {
	s := l.hold.session
	return []string{"SESSION", s.id, s.secret, "OWNER", l.hold.owner}
}

func hasCandidate(waiting []Waiter, candidate string) bool {
	for _, one := range waiting {
		if one.ID == candidate || one.Owner == candidate {
			return true
		}
	}
	return false
}
