package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/resp"
)

// message is one server-sent event.
type message struct{ id, event, data string }

// listener reads a stream of events.
type listener struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Reader
}

func (s *service) listen(ctx context.Context, path string, with ...string) *listener {
	s.t.Helper()
	response, err := s.server.Client().Do(s.request(ctx, "GET", path, "", append([]string{"Accept", "text/event-stream"}, with...)...))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { response.Body.Close() })
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" {
		s.t.Fatalf("%s: %s %s", path, response.Status, kind)
	}
	return &listener{s.t, response, bufio.NewReader(response.Body)}
}

// next reads a message. The last result is false at the end of the stream.
func (l *listener) next() (m message, more bool) {
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return m, false
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		switch value = strings.TrimPrefix(value, " "); name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			m.data = value
		case "":
			if line == "\n" {
				return m, true
			}
		}
	}
}

// event reads the next change.
func (l *listener) event() (m message, fields map[string]any) {
	l.t.Helper()
	for m.data == "" {
		var more bool
		if m, more = l.next(); !more {
			l.t.Fatal("the stream ended")
		}
	}
	if err := json.Unmarshal([]byte(m.data), &fields); err != nil {
		l.t.Fatal(err)
	}
	return m, fields
}

func TestAStreamOfEventsCanBeResumed(t *testing.T) {
	s := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	listener := s.listen(ctx, "/v1/events?prefix=jobs%2F")
	begin, _ := listener.next()
	if begin.id == "" || begin.data != "" {
		t.Errorf("a stream begins with %+v", begin)
	}
	s.want(200, "POST", "/v1/locks/other/acquire", `{"ttl_ms":60000}`)
	grant := s.want(200, "POST", "/v1/locks/jobs%2F1/acquire", `{"ttl_ms":60000}`)
	message, began := listener.event()
	if began["type"] != "began" || began["name"] != "jobs/1" || began["token"] != grant.text("token") || message.id != began["position"] {
		t.Errorf("%+v", message)
	}
	cancel() // the client goes away, and what happens meanwhile waits for it
	s.want(200, "POST", "/v1/locks/jobs%2F1/release", fmt.Sprintf(`{"hold":%q}`, grant.text("token")))
	again := s.listen(t.Context(), "/v1/events?prefix=jobs%2F&after=$", "Last-Event-ID", message.id)
	if _, ended := again.event(); ended["type"] != "ended" || ended["reason"] != "released" {
		t.Errorf("it goes on with %v", ended)
	}
	s.refuse(400, "bad_request", "GET", "/v1/events?after=x", "", "Accept", "text/event-stream")
	s.refuse(400, "bad_request", "GET", "/v1/events?count=5", "", "Accept", "text/event-stream")
}

// forgetful is a node that has no longer what happened before a position.
type forgetful struct {
	transport.Node
}

func (f forgetful) Events(ctx context.Context, after command.Position, most int, wanted func(*fsm.Event) bool, wait bool) (transport.EventPage, error) {
	if after.Index < 2 {
		told := command.Errorf(command.CodeTooOld, "events after %s are no longer here", after).With(new(command.Details).Text("oldest", "2-0"))
		return transport.EventPage{}, transport.Errorf(command.CodeTooOld, "%s", told.Text[len("TOOOLD "):])
	}
	return f.Node.Events(ctx, after, most, wanted, wait)
}

func TestEventsThatAreGone(t *testing.T) {
	s := open(t, func(config *resp.Config) { config.Node = forgetful{config.Node} })
	page := s.refuse(410, "too_old", "GET", "/v1/events?after=1-0", "")
	if details, _ := page.body["details"].(map[string]any); details["oldest"] != "2-0" {
		t.Errorf("%v", page.body)
	}
	listener := s.listen(t.Context(), "/v1/events?after=1-0")
	lost, fields := listener.event()
	if details, _ := fields["details"].(map[string]any); lost.event != "events-lost" || lost.id != "" || details["oldest"] != "2-0" {
		t.Errorf("%+v", lost)
	}
	if m, more := listener.next(); more {
		t.Errorf("after it came %+v", m)
	}
}

func TestAPageOfEventsCanBeWaitedFor(t *testing.T) {
	s := open(t, nil)
	now := s.want(200, "GET", "/v1/events", "")
	if events, _ := now.body["events"].([]any); len(events) != 0 || now.text("position") == "" {
		t.Errorf("from now on there is %v", now.body)
	}
	page := make(chan answered, 1)
	go func() { page <- s.do("GET", "/v1/events?name=job&block_ms=60000&after="+now.text("position"), "") }()
	eventually(t, "somebody waits", func() bool { return len(s.api.waiting) == 1 })
	s.want(200, "POST", "/v1/locks/job/acquire", `{"ttl_ms":60000}`)
	if events, _ := (<-page).body["events"].([]any); len(events) != 1 {
		t.Errorf("the page has %v", events)
	}
}

// When the node stops, streams end and waits are told so.
func TestTheNodeStops(t *testing.T) {
	s := open(t, nil)
	listener := s.listen(t.Context(), "/v1/events")
	listener.next()
	s.want(200, "POST", "/v1/locks/job/acquire", `{"ttl_ms":60000}`)
	waiting := s.later(t.Context(), "/v1/locks/job/acquire", `{"ttl_ms":60000,"wait_ms":60000}`)
	s.queued("job", 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.door.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		var m message
		if m, more = listener.next(); m.event == "events-lost" {
			t.Errorf("a node that stops told %+v", m)
		}
	}
	if told := <-waiting; told.status != 503 || told.text("code") != "shutting_down" {
		t.Errorf("who waited was told %d %v", told.status, told.body)
	}
	s.refuse(503, "shutting_down", "GET", "/v1/locks", "")
}

// Streams and waits leave room for everything else.
func TestWaitsAreLimited(t *testing.T) {
	s := open(t, nil)
	for range maxWaiting {
		s.api.waiting <- struct{}{}
	}
	s.want(200, "POST", "/v1/locks/job/acquire", `{"ttl_ms":60000,"wait_ms":0}`)
	s.refuse(429, "busy", "POST", "/v1/locks/job/acquire", `{"ttl_ms":60000,"wait_ms":1000}`)
	s.refuse(429, "busy", "GET", "/v1/events", "", "Accept", "text/event-stream")
	s.refuse(429, "busy", "GET", "/v1/events?block_ms=10", "")
	<-s.api.waiting
	s.refuse(409, "held", "POST", "/v1/locks/job/acquire", `{"ttl_ms":60000}`)
	if s.do("GET", "/v1/events?block_ms=1", "").status != 200 {
		t.Error("a place that came free was not given away")
	}
}

// Who goes away while it waits gets nothing; who has a number for its request finds its place again.
func TestAClientThatGoesAway(t *testing.T) {
	s := open(t, nil)
	id, with := s.session()
	first := s.want(200, "POST", "/v1/locks/job/acquire", `{"ttl_ms":60000}`)
	ctx, cancel := context.WithCancel(t.Context())
	gone := s.later(ctx, "/v1/locks/job/acquire", `{"ttl_ms":60000,"wait_ms":60000}`)
	s.queued("job", 1)
	cancel()
	<-gone
	s.queued("job", 0)
	eventually(t, "the wait is over at this door too", func() bool { return len(s.api.waiting) == 0 })

	numbered := fmt.Sprintf(`{"session":%q,"owner":"a","wait_ms":60000,"request":1}`, id)
	ctx, cancel = context.WithCancel(t.Context())
	gone = s.later(ctx, "/v1/locks/job/acquire", numbered, with...)
	s.queued("job", 1)
	cancel()
	<-gone
	eventually(t, "the Redis door has seen it", func() bool { return s.door.Stats().Blocked == 0 })
	s.queued("job", 1)
	again := s.later(t.Context(), "/v1/locks/job/acquire", numbered, with...)
	eventually(t, "it waits again", func() bool { return s.door.Stats().Blocked == 1 })
	s.queued("job", 1)
	s.want(200, "POST", "/v1/locks/job/release", fmt.Sprintf(`{"hold":%q}`, first.text("token")))
	if grant := <-again; grant.status != 200 || grant.text("name") != "job" {
		t.Errorf("asked again: %d %v", grant.status, grant.body)
	}
}
