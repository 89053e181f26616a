package peer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Limits and times of one link.
const (
	// maxQueuedCalls and maxQueuedBytes bound what waits for one peer before it was written.
	maxQueuedCalls = 16384
	maxQueuedBytes = 64 << 20
	// batchBytes is about how much one write takes along.
	batchBytes = 256 << 10
	// After a failed dial a link waits before the next one; calls fail at once meanwhile.
	firstRedialPause = 10 * time.Millisecond
	longestPause     = 250 * time.Millisecond
	// idleLimit is how long a link stays connected without a call.
	idleLimit = 30 * time.Second
)

// errIdle ends a connection that nobody used.
var errIdle = errors.New("idle")

// linkKey names a link: one connection per node and purpose.
type linkKey struct {
	target  Target
	purpose Purpose
}

// call is one request on its way.
type call struct {
	method  method
	payload []byte
	// id, sent and abandoned are guarded by the link's mutex.
	id        uint64
	sent      bool
	abandoned bool
	// result takes the outcome once.
	result chan callResult
}

type callResult struct {
	payload []byte
	err     error
}

// link carries the calls to one node for one purpose over one connection, which it opens when there is something to send.
type link struct {
	port *Port
	key  linkKey

	mu          sync.Mutex
	queue       []*call
	queuedBytes int
	pending     map[uint64]*call
	nextID      uint64
	lastCall    time.Time
	// retryAt and lastFailure hold the link back after a failed dial.
	retryAt     time.Time
	lastFailure error
	pause       time.Duration
	// running is true while a goroutine works for the link.
	running bool
	// wake holds a value when the queue may be non-empty.
	wake chan struct{}
}

// link finds or makes the link to a target.
func (p *Port) link(target Target, purpose Purpose) (*link, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	key := linkKey{target: target, purpose: purpose}
	l := p.links[key]
	if l == nil {
		l = &link{port: p, key: key, pending: make(map[uint64]*call), wake: make(chan struct{}, 1)}
		p.links[key] = l
	}
	return l, nil
}

// call sends a request and waits for its answer. Its errors are *CallError, or *RemoteError when the peer answered with one.
func (p *Port) call(ctx context.Context, to Target, purpose Purpose, m method, payload []byte) ([]byte, error) {
	if len(payload) > MaxFrameSize {
		return nil, &CallError{Target: to, Err: ErrTooLarge}
	}
	if err := ctx.Err(); err != nil {
		return nil, &CallError{Target: to, Err: err}
	}
	l, err := p.link(to, purpose)
	if err != nil {
		return nil, &CallError{Target: to, Err: err}
	}
	c := &call{method: m, payload: payload, result: make(chan callResult, 1)}
	if err := l.enqueue(c); err != nil {
		return nil, &CallError{Target: to, Err: err}
	}
	select {
	case result := <-c.result:
		return result.payload, result.err
	case <-ctx.Done():
	}
	return l.abandon(c, ctx.Err())
}

// enqueue lets a call wait for the next write.
func (l *link) enqueue(c *call) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.lastFailure != nil && now.Before(l.retryAt) {
		return l.lastFailure
	}
	if len(l.queue) >= maxQueuedCalls || l.queuedBytes+len(c.payload) > maxQueuedBytes {
		return ErrOverloaded
	}
	if !l.running {
		if !l.port.start(l.run) {
			return ErrClosed
		}
		l.running = true
	}
	l.queue = append(l.queue, c)
	l.queuedBytes += len(c.payload)
	l.lastCall = now
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}

// start runs a goroutine of the port unless the port is closed.
func (p *Port) start(work func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.running.Go(work)
	return true
}

// abandon takes a call back whose caller waits no longer. An answer that came in the meantime still counts.
func (l *link) abandon(c *call, cause error) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case result := <-c.result:
		return result.payload, result.err
	default:
	}
	c.abandoned = true
	delete(l.pending, c.id)
	return nil, &CallError{Target: l.key.target, Sent: c.sent, Err: cause}
}

// run connects, carries calls, and connects again while calls wait. It returns when none do.
func (l *link) run() {
	for {
		conn, _, err := l.port.dial(l.port.ctx, l.key.target, l.key.purpose)
		if err != nil {
			l.failQueue(err)
		} else {
			l.carry(conn)
		}
		if l.rest() {
			return
		}
	}
}

// rest decides whether the link's goroutine may end.
func (l *link) rest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 && l.port.ctx.Err() == nil {
		return false
	}
	l.failQueueLocked(ErrClosed)
	l.running = false
	return true
}

// failQueue ends the calls that wait after a failed dial and holds further ones back for a moment.
func (l *link) failQueue(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pause = min(max(2*l.pause, firstRedialPause), longestPause)
	l.retryAt, l.lastFailure = time.Now().Add(l.pause), err
	l.failQueueLocked(err)
}

func (l *link) failQueueLocked(err error) {
	for _, c := range l.queue {
		c.result <- callResult{err: &CallError{Target: l.key.target, Err: err}}
	}
	l.queue, l.queuedBytes = nil, 0
}

// carry writes calls to a connection and reads answers from it until it ends.
func (l *link) carry(conn *trackedConn) {
	l.mu.Lock()
	l.pause, l.lastFailure = 0, nil
	l.mu.Unlock()
	ctx, cancel := context.WithCancelCause(l.port.ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		err := l.readAnswers(conn)
		conn.report(err)
		cancel(err)
	})
	err := l.writeCalls(ctx, conn)
	if !errors.Is(err, errIdle) && !errors.Is(err, context.Canceled) {
		conn.report(err)
	}
	_ = conn.Close()
	reading.Wait()
	cancel(err)
	l.failPending(err)
}

// writeCalls writes whatever waits, in one go, and a sign of life when nothing does.
func (l *link) writeCalls(ctx context.Context, conn *trackedConn) error {
	alive := time.NewTicker(aliveInterval)
	defer alive.Stop()
	var buffer []byte
	for {
		runtime.Gosched() // whoever is about to call does so first, and shares the write
		buffer = l.take(recycle(buffer))
		if len(buffer) == 0 {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-l.wake:
				continue
			case <-alive.C:
				if l.idle() {
					return errIdle
				}
				buffer = appendFrame(buffer, frame{kind: frameAlive})
			}
		}
		if err := writeAll(conn, buffer); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// take moves waiting calls into one write; from here on they count as sent.
func (l *link) take(buffer []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := 0
	for _, c := range l.queue {
		if len(buffer) >= batchBytes {
			break
		}
		taken++
		l.queuedBytes -= len(c.payload)
		if c.abandoned {
			continue
		}
		l.nextID++
		c.id, c.sent = l.nextID, true
		l.pending[c.id] = c
		buffer = appendFrame(buffer, frame{kind: frameRequest, method: c.method, id: c.id, payload: c.payload})
	}
	clear(l.queue[:taken])
	l.queue = l.queue[taken:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	return buffer
}

// idle reports whether nobody has used the link for a while.
func (l *link) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) == 0 && len(l.pending) == 0 && time.Since(l.lastCall) > idleLimit
}

// readAnswers hands each answer to its caller until the connection ends.
func (l *link) readAnswers(conn *trackedConn) error {
	reader := newFrameReader(conn)
	for {
		f, err := readFrame(reader)
		if err != nil {
			return err
		}
		switch f.kind {
		case frameAlive:
		case frameAnswer:
			l.deliver(f.id, callResult{payload: f.payload})
		case frameError:
			l.deliver(f.id, callResult{err: &RemoteError{Text: string(f.payload)}})
		default:
			return errUnexpected
		}
	}
}

// deliver gives a caller its answer. The answer to an abandoned call is dropped.
func (l *link) deliver(id uint64, result callResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.pending[id]; c != nil {
		delete(l.pending, id)
		c.result <- result
	}
}

// failPending ends the calls whose answers can no longer come. Their fate is unknown.
func (l *link) failPending(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range l.pending {
		delete(l.pending, id)
		c.result <- callResult{err: &CallError{Target: l.key.target, Sent: true, Err: fmt.Errorf("the connection ended: %w", err)}}
	}
}
