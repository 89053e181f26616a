package rest

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// Limits of the connections to the Redis door.
const (
	maxLines = 1024 // open at once
	maxIdle  = 64   // kept for later requests, of all users together
)

// user is whom a request acts for.
type user struct {
	given          bool
	name, password string
}

// identity tells users apart in the pool without keeping their passwords.
type identity [sha256.Size]byte

func (u user) identity() identity {
	if !u.given {
		return identity{}
	}
	name := sha256.Sum256([]byte(u.name))
	return sha256.Sum256(append(name[:], u.password...))
}

// line is one connection to the Redis door. One request at a time uses it.
type line struct {
	net.Conn
	replies *wire.Replies
	owner   identity
}

// pool keeps lines. A line belongs to the user who authenticated it.
type pool struct {
	dial func(context.Context, net.Addr) (net.Conn, error)

	mu   sync.Mutex
	open int
	idle map[identity][]*line
	kept int
}

func newPool(dial func(context.Context, net.Addr) (net.Conn, error)) *pool {
	return &pool{dial: dial, idle: map[identity][]*line{}}
}

// errNotSent says that a line broke before the Redis door had a whole command: nothing was run.
var errNotSent = errors.New("the command was not sent")

// ask has the Redis door carry out one command and gives its answer, which may be an error that it answered. alone is for commands after which a connection
// is good for nothing else: they get one of their own.
func (p *pool) ask(ctx context.Context, who user, client net.Addr, alone bool, words []string) (wire.Value, *problem) {
	for {
		l, reused, trouble := p.take(ctx, who, client, alone)
		if trouble != nil {
			return wire.Value{}, trouble
		}
		stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // so that the Redis door sees that nobody waits any more
		answer, err := l.exchange(words)
		if !stop() || err != nil || alone {
			p.end(l)
		} else {
			p.keep(l)
		}
		switch {
		case err == nil:
			return answer, nil
		case errors.Is(err, errNotSent) && reused && ctx.Err() == nil:
			continue // it had ended while it was idle; each time round takes one idle line away
		case errors.Is(err, errNotSent):
			return wire.Value{}, ofCode(command.CodeShuttingDown, "the node ended the connection before the command was run; another node serves, or this one in a moment")
		}
		return wire.Value{}, ofCode(command.CodeUnknownOutcome,
			"the command was sent and the node gave no answer, so it may have run or may run yet; send it again under the same session and request number, or look before you do")
	}
}

// take gives an idle line of the user, or a new one.
func (p *pool) take(ctx context.Context, who user, client net.Addr, alone bool) (l *line, reused bool, trouble *problem) {
	owner := who.identity()
	p.mu.Lock()
	if list := p.idle[owner]; !alone && len(list) > 0 {
		l = list[len(list)-1]
		p.forget(owner, list[:len(list)-1])
		p.mu.Unlock()
		return l, true, nil
	}
	if p.open >= maxLines {
		p.mu.Unlock()
		return nil, false, ofCode(command.CodeBusy, "%d requests are under way at this node's HTTP door, which is the limit; nothing was done; retry after a pause", maxLines)
	}
	p.open++
	p.mu.Unlock()
	l, trouble = p.connect(ctx, who, client)
	if trouble != nil {
		p.mu.Lock()
		p.open--
		p.mu.Unlock()
	}
	return l, false, trouble
}

// forget replaces a user's idle lines by one less. mu is held.
func (p *pool) forget(owner identity, left []*line) {
	p.kept--
	if len(left) == 0 {
		delete(p.idle, owner)
		return
	}
	p.idle[owner] = left
}

// connect opens a line: version 3 of the protocol, and the user's name and password when the request gave them.
func (p *pool) connect(ctx context.Context, who user, client net.Addr) (*line, *problem) {
	connection, err := p.dial(ctx, client)
	if err != nil {
		return nil, ofCode(command.CodeShuttingDown, "this node takes no command: %v; nothing was done", err)
	}
	l := &line{Conn: connection, replies: wire.NewReplies(connection, wire.ReplyLimits{}), owner: who.identity()}
	hello := []string{"HELLO", "3"}
	if who.given {
		hello = append(hello, "AUTH", who.name, who.password)
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	answer, err := l.exchange(hello)
	switch {
	case err != nil:
		_ = l.Close()
		return nil, ofCode(command.CodeShuttingDown, "this node takes no command: %v; nothing was done", err)
	case answer.Type == wire.Error:
		_ = l.Close()
		trouble := problemOf(answer)
		switch {
		case trouble.Status == http.StatusUnauthorized && who.given:
			trouble.Message = "the HTTP basic credentials are not those of a coordd user: " + trouble.Message
		case trouble.Status == http.StatusUnauthorized:
			trouble.Message = needsUser
		}
		return nil, trouble
	}
	return l, nil
}

// needsUser is said to requests without credentials where there are users.
const needsUser = "this needs the name and password of a coordd user, as HTTP basic credentials, or a client certificate"

// exchange sends a command and reads its answer, past what is pushed.
func (l *line) exchange(words []string) (wire.Value, error) {
	if err := l.send(words); err != nil {
		return wire.Value{}, err
	}
	for {
		value, err := l.replies.Read()
		if err != nil || value.Type != wire.Push {
			return value, err
		}
	}
}

// send writes a command. A command of which a part is missing is never run, so only a whole one leaves its fate open.
func (l *line) send(words []string) error {
	request := wire.AppendRequest(nil, words...)
	n, err := l.Write(request)
	if err != nil && n < len(request) {
		return errors.Join(errNotSent, err)
	}
	return err
}

// keep makes a line ready for the next request of its user, if there is room.
func (p *pool) keep(l *line) {
	p.mu.Lock()
	full := p.kept >= maxIdle
	if !full {
		p.kept++
		p.idle[l.owner] = append(p.idle[l.owner], l)
	}
	p.mu.Unlock()
	if full {
		p.end(l)
	}
}

// end closes a line.
func (p *pool) end(l *line) {
	_ = l.Close()
	p.mu.Lock()
	p.open--
	p.mu.Unlock()
}

// close ends the idle lines.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.kept = map[identity][]*line{}, 0
	p.mu.Unlock()
	for _, list := range idle {
		for _, l := range list {
			p.end(l)
		}
	}
}
