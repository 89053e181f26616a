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
	sessions map[string]*fakeSession
	locks    map[string]fakeHold
	token    int64
	ran      []string // the commands that were run, in order
	opened   []string // the endpoints of the connections, in order
	freed    *sync.Cond
	serving  sync.WaitGroup

	// fate decides over a request before it is run. It is called with mu held.
	fate func(endpoint string, arguments []string) fate
	// refused are endpoints at which nobody listens.
	refused map[string]bool
}

type fakeSession struct {
	ttl      int64
	deadline int64 // ms of the cluster's clock
}

type fakeHold struct {
	session, owner string
	token          int64
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
	f := &fakeCluster{started: time.Now(), rate: 1, sessions: map[string]*fakeSession{}, locks: map[string]fakeHold{}, refused: map[string]bool{}}
	f.freed = sync.NewCond(&f.mu)
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

func (f *fakeCluster) connections() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.opened...)
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
	f.serving.Go(func() { f.serve(endpoint, ours) })
	return theirs, nil
}

func (f *fakeCluster) serve(endpoint string, socket net.Conn) {
	defer socket.Close()
	requests := wire.NewRequests(socket, wire.RequestLimits{})
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
		answer, open := f.handle(endpoint, words)
		if !open {
			return
		}
		if answer == nil {
			continue
		}
		if _, err := socket.Write(answer); err != nil {
			return
		}
	}
}

// handle runs a request as its fate demands.
func (f *fakeCluster) handle(endpoint string, words []string) (answer []byte, open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fate := answered
	if f.fate != nil {
		fate = f.fate(endpoint, words)
	}
	switch fate {
	case cutBefore:
		return nil, false
	case ignored:
		return nil, true
	case loading:
		return wire.AppendError(nil, "LOADING coordd has no leader; retry"), true
	}
	f.ran = append(f.ran, words[0])
	answer = f.run(words)
	switch fate {
	case cutAfter:
		return nil, false
	case unheard:
		return nil, true
	}
	return answer, true
}

func (f *fakeCluster) run(words []string) []byte {
	switch words[0] {
	case "HELLO":
		return wire.AppendMapHeader(nil, wire.RESP3, 0)
	case "PING":
		return wire.AppendStatus(nil, "PONG")
	case "ECHO":
		return wire.AppendBulk(nil, words[1])
	case "SESSION.OPEN":
		return f.openSession(words)
	case "SESSION.RENEW", "SESSION.CLOSE", "LOCK.ACQUIRE", "LOCK.RELEASE":
		return f.inSession(words)
	}
	return wire.AppendError(nil, "ERR unknown command '"+words[0]+"'")
}

func (f *fakeCluster) openSession(words []string) []byte {
	ttl, _ := strconv.ParseInt(words[2], 10, 64)
	id := fmt.Sprintf("%d-0", len(f.sessions)+1)
	f.sessions[id] = &fakeSession{ttl: ttl, deadline: f.now() + ttl}
	return appendPairs("session", id, "secret", "word", "ttl_ms", ttl, "now_ms", f.now(), "deadline_ms", f.now()+ttl)
}

// inSession runs what needs a session that lives: its id stands behind the command, or behind the word SESSION.
func (f *fakeCluster) inSession(words []string) []byte {
	id := words[1]
	for i, word := range words {
		if word == "SESSION" {
			id = words[i+1]
		}
	}
	session := f.sessions[id]
	if session == nil || session.deadline <= f.now() {
		return wire.AppendError(nil, "NOSESSION session "+id+" is unknown or has ended")
	}
	switch words[0] {
	case "SESSION.RENEW":
		session.deadline = f.now() + session.ttl
		return appendPairs("session", id, "ttl_ms", session.ttl, "now_ms", f.now(), "deadline_ms", session.deadline)
	case "SESSION.CLOSE":
		delete(f.sessions, id)
		return wire.AppendStatus(nil, "OK")
	case "LOCK.RELEASE":
		return f.releaseLock(words[1], words[2])
	}
	return f.acquireLock(words, id)
}

func (f *fakeCluster) releaseLock(name, token string) []byte {
	if hold, held := f.locks[name]; !held || strconv.FormatInt(hold.token, 10) != token {
		return wire.AppendError(nil, "NOTHELD lock "+name+" is not held with token "+token)
	}
	delete(f.locks, name)
	f.freed.Broadcast()
	return wire.AppendStatus(nil, "OK")
}

// acquireLock blocks for WAIT, without the wait's end: the tests end waits in other ways.
func (f *fakeCluster) acquireLock(words []string, id string) []byte {
	name, owner := words[1], words[6]
	for {
		hold, held := f.locks[name]
		if !held || hold.owner == owner {
			break
		}
		if len(words) == 7 {
			return wire.AppendError(nil, fmt.Sprintf("HELD '%s' is held by session %s (token %d) for 1500 ms more; 0 waiting", name, hold.session, hold.token))
		}
		f.freed.Wait()
	}
	if f.locks[name].owner != owner {
		f.token += 10
		f.locks[name] = fakeHold{session: id, owner: owner, token: f.token}
	}
	deadline := f.sessions[id].deadline
	return appendPairs("token", f.locks[name].token, "remaining_ms", deadline-f.now(), "now_ms", f.now(), "deadline_ms", deadline)
}

func appendPairs(pairs ...any) []byte {
	to := wire.AppendMapHeader(nil, wire.RESP3, len(pairs)/2)
	for _, one := range pairs {
		switch value := one.(type) {
		case string:
			to = wire.AppendBulk(to, value)
		case int64:
			to = wire.AppendInteger(to, value)
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
