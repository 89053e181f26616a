package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Limits of one served connection.
const (
	// maxUnanswered is how many requests of one connection may be without an answer; then the port reads no further.
	maxUnanswered = 16384
	// maxUnwritten is how many bytes of answers may wait to be written; a peer that does not read them loses the connection.
	maxUnwritten = 64 << 20
	// maxBootstrapCalls is how many calls of the founding protocol one connection may have running.
	maxBootstrapCalls = 8
)

// errUnexpected ends a connection whose peer breaks the protocol.
var errUnexpected = errors.New("the peer sent a frame that its connection is not for")

// serving answers the requests of one accepted connection.
type serving struct {
	port    *Port
	conn    *trackedConn
	remote  Identity
	purpose Purpose
	// unanswered holds a value for each request that has no answer yet.
	unanswered chan struct{}
	bootstraps chan struct{}

	mu      sync.Mutex
	waiting []byte
	failed  error
	// wake holds a value when something waits to be written.
	wake chan struct{}
}

func newServing(port *Port, conn *trackedConn, remote Identity, purpose Purpose) *serving {
	return &serving{
		port:       port,
		conn:       conn,
		remote:     remote,
		purpose:    purpose,
		unanswered: make(chan struct{}, maxUnanswered),
		bootstraps: make(chan struct{}, maxBootstrapCalls),
		wake:       make(chan struct{}, 1),
	}
}

// run serves until the connection ends.
func (s *serving) run() {
	ctx, cancel := context.WithCancel(s.port.ctx)
	defer cancel()
	var writer sync.WaitGroup
	writer.Go(func() { s.writeAnswers(ctx) })
	err := s.readRequests(ctx)
	s.conn.report(err)
	s.fail(err)
	cancel()
	_ = s.conn.Close()
	writer.Wait()
}

// readRequests takes frames in order until one is wrong or the connection ends.
func (s *serving) readRequests(ctx context.Context) error {
	reader := newFrameReader(s.conn)
	for {
		f, err := readFrame(reader)
		if err != nil {
			return err
		}
		if f.kind == frameAlive {
			continue
		}
		if f.kind != frameRequest {
			return errUnexpected
		}
		select {
		case s.unanswered <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := s.answer(ctx, f); err != nil {
			return err
		}
	}
}

// answer hands one request to the handler. Only methods that the connection is for are served.
func (s *serving) answer(ctx context.Context, f frame) error {
	handler := s.port.config.Handler
	switch {
	case f.method == methodForward && s.purpose == PurposeForward:
		var once sync.Once
		handler.Forward(ctx, s.remote.NodeID, f.payload, func(answer []byte) {
			once.Do(func() { s.respond(f, answer, nil) })
		})
	case f.method == methodTerm && s.purpose == PurposeProbe:
		s.respond(f, encodeTermAnswer(handler.Term()), nil)
	case f.method == methodLostLeader && s.purpose == PurposeProbe:
		question, err := decodeLostLeaderQuestion(f.payload)
		if err != nil {
			return err
		}
		s.respond(f, []byte{byte(handler.LostLeader(s.remote.NodeID, question))}, nil)
	case f.method == methodIdentify && s.purpose == PurposeBootstrap:
		s.respond(f, appendIdentity(nil, s.port.config.Identity()), nil)
	case f.method == methodBootstrap && s.purpose == PurposeBootstrap:
		s.answerBootstrap(ctx, f)
	default:
		return errUnexpected
	}
	return nil
}

// answerBootstrap runs one call of the founding protocol beside the reader, since it may write to disk.
func (s *serving) answerBootstrap(ctx context.Context, f frame) {
	select {
	case s.bootstraps <- struct{}{}:
	default:
		s.respond(f, nil, fmt.Errorf("more than %d founding messages at once", maxBootstrapCalls))
		return
	}
	s.port.running.Go(func() {
		defer func() { <-s.bootstraps }()
		answer, err := s.port.config.Handler.Bootstrap(ctx, s.remote, f.payload)
		s.respond(f, answer, err)
	})
}

// respond queues the answer to a request. After the end of the connection it does nothing.
func (s *serving) respond(request frame, answer []byte, err error) {
	reply := frame{kind: frameAnswer, method: request.method, id: request.id, payload: answer}
	if err == nil && len(answer) > MaxFrameSize {
		err = ErrTooLarge
	}
	if err != nil {
		reply.kind, reply.payload = frameError, []byte(err.Error())
	}
	select {
	case <-s.unanswered:
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return
	}
	s.waiting = appendFrame(s.waiting, reply)
	if len(s.waiting) > maxUnwritten {
		s.failed = fmt.Errorf("the peer left %d bytes of answers unread", len(s.waiting))
		_ = s.conn.raw.Close()
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// writeAnswers writes whatever waits, in one go, and a sign of life when nothing does.
func (s *serving) writeAnswers(ctx context.Context) {
	alive := time.NewTicker(aliveInterval)
	defer alive.Stop()
	var spare []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			runtime.Gosched() // whoever is about to answer does so first, and shares the write
		case <-alive.C:
		}
		s.mu.Lock()
		batch, failed := s.waiting, s.failed
		s.waiting = spare
		s.mu.Unlock()
		if failed != nil {
			return
		}
		if len(batch) == 0 {
			batch = appendFrame(batch, frame{kind: frameAlive})
		}
		if err := writeAll(s.conn, batch); err != nil {
			s.fail(err)
			_ = s.conn.raw.Close()
			return
		}
		spare = recycle(batch)
	}
}

// fail lets later answers be dropped.
func (s *serving) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = err
	}
	s.waiting = nil
}

func encodeTermAnswer(answer TermAnswer) []byte {
	payload := binary.BigEndian.AppendUint64(make([]byte, 0, 16), answer.Term)
	return binary.BigEndian.AppendUint64(payload, uint64(answer.WallUnixMs))
}

func decodeTermAnswer(payload []byte) (TermAnswer, error) {
	if len(payload) != 16 {
		return TermAnswer{}, fmt.Errorf("a term answer of %d bytes is malformed", len(payload))
	}
	return TermAnswer{
		Term:       binary.BigEndian.Uint64(payload),
		WallUnixMs: int64(binary.BigEndian.Uint64(payload[8:])),
	}, nil
}

func encodeLostLeaderQuestion(question LostLeaderQuestion) []byte {
	return append(binary.BigEndian.AppendUint64(nil, question.Term), question.Leader...)
}

func decodeLostLeaderQuestion(payload []byte) (LostLeaderQuestion, error) {
	if len(payload) < 9 || len(payload) > 8+MaxNodeIDLength {
		return LostLeaderQuestion{}, fmt.Errorf("a lost-leader question of %d bytes is malformed", len(payload))
	}
	return LostLeaderQuestion{Term: binary.BigEndian.Uint64(payload), Leader: NodeID(payload[8:])}, nil
}
