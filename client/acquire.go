package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// acquisition is one acquire: what is asked for, and as whom.
type acquisition struct {
	command []string // up to where the options begin
	names   []string
	owner   string
	named   bool // the program chose the owner, so it may come again
	options lockOptions
}

// newAcquisition gives the acquire an owner of its own unless the options name one.
func newAcquisition(options lockOptions, names []string, command ...string) *acquisition {
	a := &acquisition{command: command, names: names, owner: options.owner, named: options.owner != "", options: options}
	if !a.named {
		a.owner = rand.Text()
	}
	return a
}

// words are the whole request.
func (a *acquisition) words(s *Session, request *numbered, more ...string) []string {
	words := append([]string{}, a.command...)
	words = append(words, "SESSION", s.id, s.secret, "OWNER", a.owner)
	words = append(words, a.options.words()...)
	words = append(words, request.options()...)
	return append(words, more...)
}

// try acquires if that is possible at once.
func (s *Session) try(ctx context.Context, a *acquisition) (*Held, error) {
	if err := s.claim(a); err != nil {
		return nil, err
	}
	request := s.numbers.begin()
	answer, unsure, err := s.client.request(ctx, s.client.repeated(), a.words(s, request)...)
	s.settle(a, request, unsure, err)
	return s.granted(a, answer, err)
}

// maxWait is the longest wait that the cluster accepts.
const maxWait = 24 * time.Hour

// wait acquires and waits for it, first come, first served, until the context ends.
func (s *Session) wait(ctx context.Context, a *acquisition) (*Held, error) {
	if err := s.claim(a); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })()
	patience := maxWait
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(maxWait, time.Until(deadline))
	}
	request := s.numbers.begin()
	words := a.words(s, request, "WAIT", strconv.FormatInt(max(1, patience.Milliseconds()), 10), "ASYNC")
	answer, taken, unsure, err := s.client.ask(ctx, s.client.repeated(), words...)
	if taken != nil {
		request.done()
		answer, err = s.keepPlace(ctx, a, taken)
	} else {
		s.settle(a, request, unsure, err)
	}
	if hasCode(err, "TIMEOUT") {
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return s.granted(a, answer, err)
}

// keepPlace waits for what becomes of a place in the queue. The place belongs to the session, so when the connection ends the wait goes on over the next one.
func (s *Session) keepPlace(ctx context.Context, a *acquisition, taken *place) (answer wire.Value, err error) {
	waiter := taken.waiter
	for taken != nil {
		select {
		case outcome := <-taken.outcome:
			return outcome, serverError(outcome)
		case <-taken.on.broken:
		case <-taken.on.leaving:
		case <-ctx.Done():
			taken.forget()
			s.withdraw(a, waiter)
			return wire.Value{}, &UnreachableError{Attempts: 1, Sent: true, Cause: context.Cause(ctx)}
		}
		select {
		case outcome := <-taken.outcome: // it came at the same moment
			return outcome, serverError(outcome)
		default:
			taken.forget()
		}
		answer, taken, _, err = s.client.ask(ctx, persistent, "LOCK.AWAIT", a.names[0], waiter, "ASYNC")
	}
	if isUnreachable(err) {
		s.withdraw(a, waiter)
	}
	return answer, err
}

// settle finishes an acquire that got no place: its number is done with, unless it may have taken effect unseen, or may yet.
func (s *Session) settle(a *acquisition, request *numbered, unsure bool, err error) {
	if !unsure || !isUnreachable(err) {
		request.done()
		return
	}
	s.client.work(func() {
		defer request.done()
		s.cancel(a, "NUMBER", strconv.FormatUint(request.number, 10))
	})
}

// withdraw gives a place up.
func (s *Session) withdraw(a *acquisition, waiter string) {
	s.client.work(func() { s.cancel(a, waiter) })
}

// cancel makes sure that an acquire that nobody waits for holds nothing, because the session's keepalives would hold for good what nobody knows of. It
// goes on until the cluster has answered or the session has ended.
func (s *Session) cancel(a *acquisition, which ...string) {
	words := append([]string{"LOCK.CANCEL", a.names[0]}, which...)
	words = append(words, "SESSION", s.id, s.secret)
	_, _, _ = s.client.request(s.ctx, persistent, words...) // every answer says that nothing is held
}

// granted makes a Held, or an error for people, of the answer to an acquire.
func (s *Session) granted(a *acquisition, answer wire.Value, err error) (*Held, error) {
	var granted grant
	if err == nil {
		granted, err = grantOf(answer, a.names)
	}
	var held *Held
	if err == nil {
		held, err = s.adopt(a, granted)
	}
	if err == nil {
		return held, nil
	}
	if a.named {
		s.unclaim(a.owner, a.names)
	}
	if hasCode(err, "NOSESSION") {
		s.end(s.lostByAnswer(err))
	}
	if ended := s.err(); ended != nil {
		return nil, fmt.Errorf("lock %q in session %s: %w", a.names[0], s.id, ended)
	}
	return nil, refusal(a.names[0], err)
}

// grant is what the cluster says of a hold when it begins.
type grant struct {
	names   []string
	waiter  string // the hold's id
	token   uint64
	mode    Mode
	count   int
	permits int
	limit   int
	untilMs int64 // the end by max hold; 0: none
	waited  time.Duration
}

func grantOf(answer wire.Value, names []string) (grant, error) {
	f := mapOf(answer)
	g := grant{
		names: names, waiter: f.text("waiter"), token: f.token("token"), mode: Mode(f.text("mode")), count: int(f.number("count")),
		permits: int(f.number("permits")), limit: int(f.number("limit")), untilMs: f.number("until_ms"), waited: f.span("waited_ms"),
	}
	if g.token == 0 || g.waiter == "" {
		return grant{}, errors.New("the answer has no token or waiter; is this a coordd cluster, of a version that this client knows?")
	}
	return g, nil
}
