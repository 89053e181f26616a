package store

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// Request asks a register.
type Request struct {
	Process string `json:"process"`
	Key     string `json:"key"`
	// Token is the fencing token; 0 is none, and then nothing is refused.
	Token int64 `json:"token"`
	// Write is false for a read.
	Write bool `json:"write"`
	// Base is the value that a write rests on, Value what it writes.
	Base  string `json:"base"`
	Value string `json:"value"`
}

// Answer is what a register answers.
type Answer struct {
	// Accepted is false when the token was refused.
	Accepted bool `json:"accepted"`
	// Value is what a read found.
	Value string `json:"value"`
	// Mark is the largest token seen.
	Mark int64 `json:"mark"`
}

// The words of the store's lines in a history.
const (
	Process      = "store"
	OpRead       = "read"
	OpAccepted   = "accepted"   // a write
	OpRefused    = "refused"    // a write, or a read, with a token that is too small
	OpLostUpdate = "lost"       // an accepted write that rests on another value than the present one
	OpTwinLost   = "twin-lost"  // the same, in the twin without a guard
	OpTwinStale  = "twin-stale" // the twin accepted a token smaller than one that it had seen
)

type register struct {
	mark     int64
	value    string
	twin     string
	twinMark int64
}

// Server is a running store.
type Server struct {
	// Address is where it listens.
	Address string

	writer   *history.Writer
	observe  func(history.Event)
	http     *http.Server
	serving  sync.WaitGroup
	mu       sync.Mutex
	register map[string]*register
}

// Start listens on a free port of the host, an IP address. Each thing that happens is written to the history and, if observe is not nil, handed to it.
func Start(host string, writer *history.Writer, observe func(history.Event)) (*Server, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	s := &Server{Address: listener.Addr().String(), writer: writer, observe: observe, register: map[string]*register{}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() { _ = s.http.Serve(listener) })
	return s, nil
}

// Close stops the store.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = s.http.Close()
	}
	s.serving.Wait()
}

const maxRequest = 64 << 10

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var request Request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := s.apply(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(answer) // the client may have been killed
}

// apply runs a request. The lines of the history are written under the lock, so that their order is the store's.
func (s *Server) apply(request Request) (Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.register[request.Key]
	if r == nil {
		r = &register{}
		s.register[request.Key] = r
	}
	if err := s.applyToTwin(r, request); err != nil {
		return Answer{}, err
	}
	if request.Token != 0 && request.Token < r.mark {
		return Answer{Mark: r.mark}, s.note(request, OpRefused)
	}
	r.mark = max(r.mark, request.Token)
	answer := Answer{Accepted: true, Value: r.value, Mark: r.mark}
	if !request.Write {
		return answer, s.note(request, OpRead)
	}
	lost := request.Base != r.value
	r.value = request.Value
	if lost {
		return answer, s.note(request, OpLostUpdate)
	}
	return answer, s.note(request, OpAccepted)
}

// applyToTwin gives a write to the register that nobody guards. It tells of nothing else.
func (s *Server) applyToTwin(r *register, request Request) error {
	if !request.Write || request.Token == 0 {
		return nil
	}
	stale, lost := request.Token < r.twinMark, request.Base != r.twin
	r.twin, r.twinMark = request.Value, max(r.twinMark, request.Token)
	var err error
	if stale {
		err = s.note(request, OpTwinStale)
	}
	if lost && err == nil {
		err = s.note(request, OpTwinLost)
	}
	return err
}

func (s *Server) note(request Request, op string) error {
	event := history.Event{
		At: history.Now(), Type: history.Note, Process: Process, Workload: Process, Op: op, Key: request.Key, Holder: request.Process, Token: request.Token,
		Value: request.Value, Expected: request.Base,
	}
	if s.observe != nil {
		s.observe(event)
	}
	return s.writer.Write(event)
}
