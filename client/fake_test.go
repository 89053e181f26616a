package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// fakeCluster plays a cluster of one machine behind any number of endpoints. It keeps sessions and locks by a clock of its own, and a test scripts what
// goes wrong on the way.
type fakeCluster struct {
	mu       sync.Mutex
	started  time.Time
	rate     float64 // of the cluster's clock against the holder's
	index    int64   // of the last command, as in a log
	sessions map[string]*fakeSession
	locks    fakeLocks
	ran      []string // the commands that were run, in order
	words    [][]string
	opened   []string // the endpoints of the connections, in order
	open     map[*fakeConn]bool
	serving  sync.WaitGroup

	// fate decides over a request before it is run. It is called with mu held.
	fate func(endpoint string, arguments []string) fate
	// answers are canned answers by the name of a command.
	answers map[string]func(words []string) []byte
	// refused are endpoints at which nobody listens.
	refused map[string]bool
}

// fakeConn is the cluster's end of a connection.
type fakeConn struct {
	endpoint   string
	socket     net.Conn
	output     *wire.Output
	subscribed bool
	watching   bool // a pool
	mute       bool // answers come in order, so after one that is not given there can be no other
}

type fakeSession struct {
	id       string
	ttl      int64
	early    int64 // 0: it did not agree to an early end
	deadline int64 // ms of the cluster's clock
	low      int64
	memory   map[int64]func() []byte // what a retry of a number is answered
	losses   []*fakeLoss
}

// fate is what becomes of a request.
type fate int

const (
	answered  fate = iota
	cutBefore      // the connection ends, nothing is run
	cutAfter       // it is run, and the connection ends without an answer
	ignored        // nothing is run and nothing answered
	unheard        // it is run and not answered
	loading        // it is answered that there is no leader
)

func newFakeCluster() *fakeCluster {
	f := &fakeCluster{started: time.Now(), rate: 1, sessions: map[string]*fakeSession{}, refused: map[string]bool{}, open: map[*fakeConn]bool{},
		answers: map[string]func([]string) []byte{}}
	f.locks = newFakeLocks(f)
	return f
}

// clock is the holder's clock in a test without suspends.
func (f *fakeCluster) clock() time.Duration { return time.Since(f.started) }

// now is the cluster's instant in ms.
func (f *fakeCluster) now() int64 {
	return int64(f.rate * float64(time.Since(f.started).Milliseconds()))
}

// sessionEnds is when the cluster's only session ends, on the holder's clock.
func (f *fakeCluster) sessionEnds() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, session := range f.sessions {
		return time.Duration(float64(session.deadline)/f.rate) * time.Millisecond
	}
	return 0
}

func (f *fakeCluster) commands(name string) (count int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ran := range f.ran {
		if ran == name {
			count++
		}
	}
	return count
}

func (f *fakeCluster) script(fate func(endpoint string, arguments []string) fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fate = fate
}

// answer cans an answer.
func (f *fakeCluster) answer(command string, answer func(words []string) []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[command] = answer
}

func (f *fakeCluster) connections() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.opened...)
}

// cutSubscribed ends every connection with a subscription.
func (f *fakeCluster) cutSubscribed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.open {
		if one.subscribed {
			_ = one.socket.Close()
		}
	}
}

// cutWatching ends every connection that watches a pool.
func (f *fakeCluster) cutWatching() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.open {
		if one.watching {
			_ = one.socket.Close()
		}
	}
}

// cut ends every connection to an endpoint.
func (f *fakeCluster) cut(endpoint string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.open {
		if one.endpoint == endpoint {
			_ = one.socket.Close()
		}
	}
}

var errConnectionRefused = errors.New("connection refused")

func (f *fakeCluster) dial(_ context.Context, endpoint string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused[endpoint] {
		return nil, errConnectionRefused
	}
	f.opened = append(f.opened, endpoint)
	ours, theirs := net.Pipe()
	accepted := &fakeConn{endpoint: endpoint, socket: ours, output: wire.NewOutput(ours, 0)}
	f.open[accepted] = true
	f.serving.Go(func() { f.serve(accepted) })
	return theirs, nil
}

func (f *fakeCluster) serve(c *fakeConn) {
	defer func() {
		_ = c.socket.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.open, c)
	}()
	requests := wire.NewRequests(c.socket, wire.RequestLimits{})
	for {
		arguments, err := requests.Next()
		if errors.Is(err, wire.ErrIncomplete) {
			err = requests.Fill()
			if err == nil {
				continue
			}
		}
		if err != nil {
			return
		}
		words := make([]string, len(arguments))
		for i, argument := range arguments {
			words[i] = string(argument)
		}
		if !f.handle(c, words) || c.output.Flush() != nil {
			return
		}
	}
}

// handle runs a request as its fate demands; false ends the connection.
func (f *fakeCluster) handle(c *fakeConn, words []string) (open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fate := answered
	if f.fate != nil {
		fate = f.fate(c.endpoint, words)
	}
	switch fate {
	case cutBefore:
		return false
	case ignored:
		c.mute = true
		return true
	case loading:
		return c.say(wire.AppendError(nil, "LOADING coordd has no leader; retry"))
	}
	f.ran = append(f.ran, words[0])
	f.words = append(f.words, words)
	f.index++
	answer := f.run(c, words)
	switch fate {
	case cutAfter:
		return false
	case unheard:
		c.mute = true
	}
	return answer == nil || c.mute || c.say(answer)
}

func (c *fakeConn) say(answer []byte) bool {
	return c.output.Append(func(to []byte) []byte { return append(to, answer...) }) == nil
}

// push sends [kind, name, waiter, what].
func (c *fakeConn) push(kind, name, waiter string, what []byte) {
	_ = c.output.Push(func(to []byte) []byte {
		to = wire.AppendPushHeader(to, wire.RESP3, 4)
		to = wire.AppendBulk(to, kind)
		to = wire.AppendBulk(to, name)
		to = wire.AppendBulk(to, waiter)
		return append(to, what...)
	})
}

func (f *fakeCluster) run(c *fakeConn, words []string) []byte {
	f.locks.passTime()
	c.subscribed = c.subscribed || words[0] == "EVENTS.SUBSCRIBE"
	c.watching = c.watching || words[0] == "POOL.WATCH"
	if canned := f.answers[words[0]]; canned != nil {
		return canned(words)
	}
	switch words[0] {
	case "HELLO":
		return wire.AppendMapHeader(nil, wire.RESP3, 0)
	case "PING":
		return wire.AppendStatus(nil, "PONG")
	case "ECHO":
		return wire.AppendBulk(nil, words[1])
	case "SESSION.OPEN":
		return f.openSession(words)
	case "SESSION.RENEW", "SESSION.CLOSE", "LOCK.ACQUIRE", "LOCK.MACQUIRE", "SEMAPHORE.ACQUIRE", "ELECTION.CAMPAIGN", "LOCK.RELEASE", "LOCK.CANCEL", "LOCK.META":
		return f.inSession(c, words)
	case "LOCK.RENEW":
		return f.locks.renewLease(words)
	case "LOCK.AWAIT":
		return f.locks.await(c, words[2])
	case "LOCK.FORCE":
		return f.locks.force(words)
	}
	return wire.AppendError(nil, "ERR unknown command '"+words[0]+"'")
}

func (f *fakeCluster) openSession(words []string) []byte {
	ttl, _ := strconv.ParseInt(words[2], 10, 64)
	id := fmt.Sprintf("%d-0", f.index)
	early := numberOf(words, "EARLY")
	f.sessions[id] = &fakeSession{id: id, ttl: ttl, early: early, deadline: f.now() + ttl, memory: map[int64]func() []byte{}}
	pairs := []any{"session", id, "secret", "word", "ttl_ms", ttl, "now_ms", f.now(), "deadline_ms", f.now() + ttl}
	if early != 0 {
		pairs = append(pairs, "early_ms", early)
	}
	return appendPairs(pairs...)
}

// optionOf is the word behind an option, empty when it is not given.
func optionOf(words []string, option string) string {
	for i, word := range words[:len(words)-1] {
		if word == option {
			return words[i+1]
		}
	}
	return ""
}

func hasOption(words []string, option string) bool {
	for _, word := range words {
		if word == option {
			return true
		}
	}
	return false
}

func numberOf(words []string, option string) int64 {
	n, _ := strconv.ParseInt(optionOf(words, option), 10, 64)
	return n
}

// inSession runs what needs a session that lives: its id stands behind the command, or behind the word SESSION. A number that was run is answered from memory.
func (f *fakeCluster) inSession(c *fakeConn, words []string) []byte {
	id := words[1]
	if named := optionOf(words, "SESSION"); named != "" {
		id = named
	} else if words[0] != "SESSION.RENEW" && words[0] != "SESSION.CLOSE" {
		return f.locks.runWithoutSession(c, words)
	}
	session := f.sessions[id]
	if session == nil {
		return wire.AppendError(nil, "NOSESSION session "+id+" is unknown or has ended")
	}
	number := numberOf(words, "REQUEST")
	if number == 0 {
		answer, _ := f.runInSession(c, session, words)
		return answer
	}
	session.low = max(session.low, numberOf(words, "LOW"))
	for known := range session.memory {
		if known <= session.low {
			delete(session.memory, known)
		}
	}
	if number <= session.low {
		return wire.AppendError(nil, fmt.Sprintf("STALE request %d is at or below the mark %d", number, session.low))
	}
	if again := session.memory[number]; again != nil {
		if hold := f.locks.byNumber(session, number); hold != nil && hold.state == fakeQueued && hasOption(words, "ASYNC") {
			hold.subscriber = c
		}
		return again()
	}
	answer, again := f.runInSession(c, session, words)
	if again == nil {
		again = func() []byte { return answer }
	}
	session.memory[number] = again
	return answer
}

// runInSession answers, and tells what a retry is answered when that is not the same.
func (f *fakeCluster) runInSession(c *fakeConn, session *fakeSession, words []string) (answer []byte, again func() []byte) {
	switch words[0] {
	case "SESSION.RENEW":
		return f.renew(session, words), nil
	case "SESSION.CLOSE":
		f.locks.endSession(session, "closed")
		return wire.AppendStatus(nil, "OK"), nil
	case "LOCK.RELEASE":
		return f.locks.release(session, words), nil
	case "LOCK.CANCEL":
		return f.locks.cancel(session, words), nil
	case "LOCK.META":
		return wire.AppendStatus(nil, "OK"), nil
	}
	return f.locks.acquire(c, session, words)
}

func (f *fakeCluster) renew(session *fakeSession, words []string) []byte {
	acknowledged := map[string]bool{}
	if len(words) > 3 {
		for _, waiter := range words[4:] {
			acknowledged[waiter] = true
		}
	}
	kept := session.losses[:0]
	for _, loss := range session.losses {
		if acknowledged[loss.hold.waiter] {
			f.locks.acknowledge(loss)
			continue
		}
		kept = append(kept, loss)
	}
	session.losses = kept
	session.deadline = f.now() + session.ttl
	answer := wire.AppendMapHeader(nil, wire.RESP3, 6)
	answer = appendRest(answer, "session", session.id, "ttl_ms", session.ttl, "now_ms", f.now(), "deadline_ms", session.deadline, "losses_total", int64(len(kept)))
	answer = wire.AppendArrayHeader(wire.AppendBulk(answer, "losses"), len(kept))
	for _, loss := range kept {
		answer = append(answer, loss.spelled()...)
	}
	if session.early != 0 {
		answer[1]++ // a map of one pair more
		answer = appendRest(answer, "early_ms", session.early)
	}
	return answer
}

func appendPairs(pairs ...any) []byte {
	return appendRest(wire.AppendMapHeader(nil, wire.RESP3, len(pairs)/2), pairs...)
}

func appendRest(to []byte, pairs ...any) []byte {
	for _, one := range pairs {
		switch value := one.(type) {
		case string:
			to = wire.AppendBulk(to, value)
		case int64:
			to = wire.AppendInteger(to, value)
		case []byte:
			to = append(to, value...)
		}
	}
	return to
}

// dialFake connects a client to the cluster, with one attempt's patience short enough for the tests to be read.
func dialFake(t *testing.T, cluster *fakeCluster, change func(*Options)) *Client {
	t.Helper()
	options := Options{Endpoints: []string{"a", "b", "c"}, Dialer: cluster.dial, Clock: cluster.clock}
	if change != nil {
		change(&options)
	}
	c, err := Dial(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// finish closes a client and waits until the cluster's side of every connection is gone.
func finish(t *testing.T, cluster *fakeCluster, c *Client) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	cluster.serving.Wait()
}

func openSession(t *testing.T, c *Client, ttl time.Duration) *Session {
	t.Helper()
	session, err := c.OpenSession(t.Context(), SessionOptions{TTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	return session
}
