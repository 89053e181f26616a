package world

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/transport/peer"
)

// repeater lets what a node forwards to a leader arrive twice. Bytes of a stream cannot: TCP takes out what a network doubles. What can come twice is a request, since whoever sends it may send it again when it does not know
// what became of it; so whole requests are doubled, where they are written, and answered twice by the leader. Raft's own requests have no numbers: a second one would be answered in place of the next, which
// no stream does.
type repeater struct {
	peer.Network
	repeats *repeats
	count   func(what string)
}

// repeats is whether requests come twice.
type repeats struct {
	working atomic.Int32 // how many faults let them
	begun   atomic.Int64 // how many ever did
}

func (r *repeats) begin() {
	r.begun.Add(1)
	r.working.Add(1)
}

func (r *repeats) end() { r.working.Add(-1) }

// mark is a moment of the repeats, for since.
func (r *repeats) mark() repeatsMark { return repeatsMark{r.working.Load() > 0, r.begun.Load()} }

// since reports whether any request may have come twice from a moment on.
//
// A copy is run although the first was refused, when the node came to lead between the two. Whoever asked has been told of the first by then, rightly, since a node sends a request again only when it does not know what
// became of it, and that is all its client ever hears from then on. It is this fault alone that sends again what was answered.
func (r *repeats) since(mark repeatsMark) bool { return mark.working || r.begun.Load() > mark.begun }

// cameTwice counts writes of requests that were sent again.
const cameTwice = "forwarded requests that came twice"

type repeatsMark struct {
	working bool
	begun   int64
}

// Dial implements peer.Network.
func (r *repeater) Dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := r.Network.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return &repeating{Conn: conn, repeater: r}, nil
}

// repeating is a connection that a node has dialled.
type repeating struct {
	net.Conn
	repeater *repeater

	mu     sync.Mutex
	before []byte // the requests of the last write
	writes int
}

// Write sends requests, and then sends them again, or those of the last write: they come a second time after later ones.
func (c *repeating) Write(data []byte) (int, error) {
	written, err := c.Conn.Write(data)
	requests := requestsIn(data)
	if err != nil || requests == 0 {
		return written, err
	}
	if again := c.again(data); len(again) > 0 {
		c.repeater.count(cameTwice)
		if _, err := c.Conn.Write(again); err != nil {
			return written, err
		}
	}
	return written, nil
}

// again is what is to be sent once more, after some requests were sent; nothing when no fault wants that.
func (c *repeating) again(requests []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.repeater.repeats.working.Load() == 0 {
		c.before = nil
		return nil
	}
	before := c.before
	c.before = append([]byte(nil), requests...)
	if c.writes++; c.writes%2 == 0 && len(before) > 0 {
		return before
	}
	return c.before
}

// The frame of a forwarded request, as package peer writes it: length (4 bytes) | kind | method | ...
const (
	frameLength   = 4
	kindRequest   = 1
	methodForward = 1
)

// requestsIn counts the forwarded requests that a write consists of; 0 when it is anything else: a handshake, a call of another kind, or Raft's.
func requestsIn(data []byte) (count int) {
	for len(data) > 0 {
		if len(data) < frameLength+2 {
			return 0
		}
		size := frameLength + int(binary.BigEndian.Uint32(data))
		if size > len(data) || data[frameLength] != kindRequest || data[frameLength+1] != methodForward {
			return 0
		}
		data = data[size:]
		count++
	}
	return count
}

// repeat lets everything that is forwarded come twice.
func (m *troublemaker) repeat() (func(), time.Duration) {
	m.world.repeats.begin()
	return m.world.repeats.end, m.long()
}
