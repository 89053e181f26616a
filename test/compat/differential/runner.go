package differential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/test/compat/resp"
)

// Dial connects to a server.
type Dial func(ctx context.Context) (net.Conn, error)

// Runner compares a server with the oracle.
type Runner struct {
	// Oracle is a real redis-server; Subject is the server under test.
	Oracle, Subject Dial
	// Allowed are the differences that are meant.
	Allowed []Allowance
	// RunID sets the names of this run apart from those of any other.
	RunID string
	// ReplyTimeout is how long a reply may take before it counts as missing.
	ReplyTimeout time.Duration
}

// Outcome counts what one sequence compared.
type Outcome struct {
	Replies, Exact, Masked int
	Allowed                map[string]int
	Difference             *Difference
}

// Difference is a reply that differs without an allowance.
type Difference struct {
	Sequence Sequence
	// Step and Command say where.
	Step, Command   int
	Oracle, Subject string
	// unsteady is the name of the allowance that covers it if it does not show again.
	unsteady string
}

func (d *Difference) command() Command { return d.Sequence.Steps[d.Step].Commands[d.Command] }

// Signature is equal for differences that most likely have one cause.
func (d *Difference) Signature() string {
	general := func(reply string) string { return fmt.Sprintf("%.60s", particular.ReplaceAllString(reply, "*")) }
	return d.command().name() + ": " + general(d.Oracle) + " | " + general(d.Subject)
}

// particular is what differs between replies of one kind: digests, and the
// place in a script.
var particular = regexp.MustCompile(`[0-9a-f]{40}|user_script:[0-9]+`)

func (d *Difference) String() string {
	return fmt.Sprintf("sequence %d of seed %d, %d commands:\n%s  redis-server answers %s\n  the other answers    %s",
		d.Sequence.Number, d.Sequence.Seed, d.Sequence.Size(), d.Sequence, d.Oracle, d.Subject)
}

// Run runs the sequence on both servers. The attempt makes the names of the
// run unique when one sequence is run more than once. An error means that the
// comparison could not be made.
func (r *Runner) Run(ctx context.Context, sequence Sequence, attempt int) (*Outcome, error) {
	run := &run{
		runner: r, sequence: sequence, outcome: &Outcome{Allowed: map[string]int{}},
		render: rendering{prefix: "d" + r.RunID + ":" + strconv.FormatUint(sequence.Number, 10) + "." + strconv.Itoa(attempt) + ":", now: time.Now()},
	}
	defer run.close()
	if err := run.steps(ctx); err != nil {
		return nil, err
	}
	return run.outcome, run.cleanUp(ctx)
}

// pair is one connection to each server.
type pair struct {
	oracle, subject *resp.Conn
	// queued are the commands of an open transaction.
	inTransaction bool
	queued        []Command
}

type run struct {
	runner   *Runner
	sequence Sequence
	render   rendering
	pairs    map[int]*pair
	outcome  *Outcome
}

func (r *run) steps(ctx context.Context) error {
	r.pairs = map[int]*pair{}
	for number, step := range r.sequence.Steps {
		if step.Pause > 0 {
			time.Sleep(step.Pause)
		}
		pair, err := r.pair(ctx, step.Conn)
		if err != nil {
			return err
		}
		over, err := r.step(pair, number, step)
		if err != nil || over {
			return err
		}
	}
	return nil
}

// step sends one pipeline and compares its replies; over means that there is
// nothing left to compare: a difference was found or both servers hung up.
func (r *run) step(p *pair, number int, step Step) (over bool, err error) {
	var request []byte
	for _, command := range step.Commands {
		request = append(request, r.render.bytes(command)...)
	}
	// A server that hung up is noticed when its replies are read.
	p.oracle.Write(request)
	p.subject.Write(request)
	for position, command := range step.Commands {
		for range command.replies() {
			oracle, err := r.read(p.oracle)
			if err != nil {
				return true, fmt.Errorf("redis-server, %s: %w", command, err)
			}
			subject, err := r.read(p.subject)
			if err != nil {
				return true, fmt.Errorf("the server under test, %s: %w", command, err)
			}
			if !r.same(p, command, oracle, subject) {
				r.outcome.Difference = &Difference{
					Sequence: r.sequence, Step: number, Command: position, Oracle: oracle.String(), Subject: subject.String(),
					unsteady: r.unsteady(command, oracle, subject),
				}
				return true, nil
			}
			if oracle.closed || subject.closed {
				return true, nil
			}
		}
	}
	return false, nil
}

// reply is a reply, or the end of the connection, or no reply in time.
type reply struct {
	value   resp.Value
	raw     []byte
	closed  bool
	missing bool
}

func (r reply) String() string {
	switch {
	case r.closed:
		return "(closes the connection)"
	case r.missing:
		return "(nothing)"
	default:
		return strconv.Quote(string(r.raw))
	}
}

func (r *run) read(conn *resp.Conn) (reply, error) {
	value, raw, err := conn.Read()
	switch {
	case err == nil:
		return reply{value: value, raw: raw}, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reply{missing: true}, nil
	case len(raw) == 0:
		return reply{closed: true}, nil
	default:
		return reply{raw: raw}, nil
	}
}

// same compares two replies, and follows the transaction of the connection.
func (r *run) same(p *pair, command Command, oracle, subject reply) bool {
	r.outcome.Replies++
	queued, isTransaction := p.follow(command, oracle)
	if oracle.closed == subject.closed && oracle.missing == subject.missing && bytes.Equal(oracle.raw, subject.raw) {
		r.outcome.Exact++
		return true
	}
	if oracle.closed || oracle.missing || subject.closed || subject.missing {
		return false
	}
	var allowed []string
	if isTransaction {
		a, b := oracle.value, subject.value
		if a.Kind != b.Kind || len(a.Elements) != len(queued) || len(b.Elements) != len(queued) {
			return false
		}
		for i, command := range queued {
			if !r.alike(command, a.Elements[i], b.Elements[i], &allowed) {
				return false
			}
		}
	} else if !r.alike(command, oracle.value, subject.value, &allowed) {
		return false
	}
	for _, name := range allowed {
		r.outcome.Allowed[name]++
	}
	if len(allowed) == 0 {
		r.outcome.Masked++
	}
	return true
}

// alike compares the replies to one command under its mask and the allowances.
func (r *run) alike(command Command, oracle, subject resp.Value, allowed *[]string) bool {
	if oracle.String() == subject.String() || command.Mask.matches(oracle, subject) {
		return true
	}
	for _, allowance := range r.runner.Allowed {
		if !allowance.Unsteady && allowance.Applies(command, oracle, subject) {
			*allowed = append(*allowed, allowance.Name)
			return true
		}
	}
	return false
}

// unsteady is the name of the unsteady allowance that may cover a difference.
func (r *run) unsteady(command Command, oracle, subject reply) string {
	for _, allowance := range r.runner.Allowed {
		if allowance.Unsteady && oracle.raw != nil && subject.raw != nil && allowance.Applies(command, oracle.value, subject.value) {
			return allowance.Name
		}
	}
	return ""
}

// follow keeps the commands that are queued until their EXEC, and returns them
// when this reply is that EXEC's.
func (p *pair) follow(command Command, oracle reply) (queued []Command, isTransaction bool) {
	text := oracle.value.Text
	switch name := command.name(); {
	case name == "MULTI" && text == "OK":
		p.inTransaction, p.queued = true, nil
	case name == "EXEC" && p.inTransaction:
		if oracle.value.IsError() && strings.HasPrefix(text, "ERR") {
			return nil, false
		}
		p.inTransaction = false
		return p.queued, !oracle.value.IsError() && !oracle.value.Null
	case (name == "DISCARD" || name == "RESET") && !oracle.value.IsError():
		p.inTransaction = false
	case p.inTransaction && text == "QUEUED":
		p.queued = append(p.queued, command)
	}
	return nil, false
}

func (r *run) pair(ctx context.Context, number int) (*pair, error) {
	if existing := r.pairs[number]; existing != nil {
		return existing, nil
	}
	oracle, err := r.dial(ctx, r.runner.Oracle)
	if err != nil {
		return nil, fmt.Errorf("connect to redis-server: %w", err)
	}
	subject, err := r.dial(ctx, r.runner.Subject)
	if err != nil {
		oracle.Close()
		return nil, fmt.Errorf("connect to the server under test: %w", err)
	}
	r.pairs[number] = &pair{oracle: oracle, subject: subject}
	return r.pairs[number], nil
}

func (r *run) dial(ctx context.Context, dial Dial) (*resp.Conn, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	wrapped := resp.NewConn(conn)
	wrapped.Timeout = r.runner.ReplyTimeout
	return wrapped, nil
}

func (r *run) close() {
	for _, pair := range r.pairs {
		for _, conn := range []*resp.Conn{pair.oracle, pair.subject} {
			// Thousands of connections are opened in a minute; closed at once,
			// none of them keeps its port waiting.
			if tcp, ok := conn.Conn.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
			conn.Close()
		}
	}
}

// cleanUp removes the sequence's keys from both servers, so that SCAN stays
// quick and a watched key of a later run is not this one's.
func (r *run) cleanUp(ctx context.Context) error {
	for _, dial := range []Dial{r.runner.Oracle, r.runner.Subject} {
		conn, err := r.dial(ctx, dial)
		if err != nil {
			return err
		}
		r.pairs[-1-len(r.pairs)] = &pair{oracle: conn, subject: conn}
		for _, database := range databases {
			del := []string{"DEL"}
			for _, key := range keys {
				del = append(del, r.render.argument(key))
			}
			if _, err := conn.Do("SELECT", database); err != nil {
				return fmt.Errorf("clean up: %w", err)
			}
			if _, err := conn.Do(del...); err != nil {
				return fmt.Errorf("clean up: %w", err)
			}
		}
	}
	return nil
}
