package network

import (
	"net"
	"sync"
	"time"
)

// stream is one connection that passes through: near is the side that dialled.
type stream struct {
	net             *Net
	near, far       *net.TCPConn
	request, answer link
	once            sync.Once
	ended           chan struct{}
}

// register notes a stream, unless the network is closed or the link was reset meanwhile.
func (n *Net) register(s *stream) bool {
	n.mu.Lock()
	refused := n.closed || n.faults[s.request].Cut == Reset || n.faults[s.answer].Cut == Reset
	if !refused {
		n.streams[s] = struct{}{}
	}
	n.mu.Unlock()
	if refused {
		s.abort()
	}
	return !refused
}

func (s *stream) touches(key link) bool { return s.request == key || s.answer == key }

// abort ends both sides at once.
func (s *stream) abort() {
	s.once.Do(func() { close(s.ended) })
	abort(s.near)
	abort(s.far)
}

// run passes both directions on until both have ended.
func (s *stream) run() {
	var pumps sync.WaitGroup
	pumps.Go(func() { s.pump(s.near, s.far, s.request) })
	pumps.Go(func() { s.pump(s.far, s.near, s.answer) })
	pumps.Wait()
	s.once.Do(func() { close(s.ended) })
	_ = s.near.Close()
	_ = s.far.Close()
	s.net.mu.Lock()
	delete(s.net.streams, s)
	s.net.mu.Unlock()
}

// piece is what was read at once; the end of the stream is an empty one.
type piece struct {
	bytes []byte
	due   time.Time
}

// pieceSize and piecesUnderWay bound what one direction holds while it is delayed or cut.
const (
	pieceSize      = 32 << 10
	piecesUnderWay = 128
)

// pump passes one direction on: this goroutine reads, another delivers.
func (s *stream) pump(from, to *net.TCPConn, key link) {
	pieces := make(chan piece, piecesUnderWay)
	var delivering sync.WaitGroup
	delivering.Go(func() { s.deliver(pieces, to, key) })
	defer delivering.Wait()
	defer close(pieces)
	for {
		buffer := make([]byte, pieceSize)
		size, err := from.Read(buffer)
		fault, _ := s.net.fault(key)
		lag := s.net.lag(fault)
		if size > 0 && s.net.chance(fault.Loss) {
			lag += Retransmit
		}
		next := piece{due: time.Now().Add(lag)}
		if size > 0 {
			next.bytes = buffer[:size]
			if !s.hand(pieces, next) {
				return
			}
		}
		if err != nil {
			s.hand(pieces, piece{due: next.due})
			return
		}
	}
}

func (s *stream) hand(pieces chan<- piece, next piece) bool {
	select {
	case pieces <- next:
		return true
	case <-s.ended:
		return false
	}
}

// deliver writes pieces when they are due and the link carries anything.
func (s *stream) deliver(pieces <-chan piece, to *net.TCPConn, key link) {
	for next := range pieces {
		if !s.await(next.due) || !s.passable(key) || !s.squeezed(len(next.bytes), key) {
			continue // it has ended; what is left is drained
		}
		if len(next.bytes) == 0 {
			_ = to.CloseWrite()
			continue
		}
		if _, err := to.Write(next.bytes); err != nil {
			s.abort()
		}
	}
}

// await waits until an instant; false when the stream ended before.
func (s *stream) await(due time.Time) bool {
	delay := time.Until(due)
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ended:
		return false
	}
}

// passable waits until the link is not cut; false when the stream ended before.
func (s *stream) passable(key link) bool {
	counted := false
	for {
		fault, changed := s.net.fault(key)
		if fault.Cut != Drop {
			return true
		}
		if !counted {
			counted = true
			s.net.held.Add(1)
		}
		select {
		case <-changed:
		case <-s.ended:
			return false
		}
	}
}

// squeezed waits as long as so many bytes take on a link that carries only so many in a second; false when the stream ended before. A link that is healed meanwhile takes no more time.
func (s *stream) squeezed(size int, key link) bool {
	begin := time.Now()
	for {
		fault, changed := s.net.fault(key)
		if fault.Rate <= 0 {
			return true
		}
		left := time.Duration(size)*time.Second/time.Duration(fault.Rate) - time.Since(begin)
		if left <= 0 {
			return true
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-s.ended:
			timer.Stop()
			return false
		}
	}
}
