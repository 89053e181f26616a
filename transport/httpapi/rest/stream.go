package rest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// acceptsStream reports whether a client asks for server-sent events.
func acceptsStream(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept") {
		for media := range strings.SplitSeq(value, ",") {
			media, _, _ = strings.Cut(media, ";")
			if strings.EqualFold(strings.TrimSpace(media), "text/event-stream") {
				return true
			}
		}
	}
	return false
}

// subscription makes the native command of a stream. A client that comes back says after which event; that is newer than what stands in the URL.
func subscription(r *http.Request, g *given) ([]string, *problem) {
	for _, name := range []string{"count", "block_ms"} {
		if g.query[name] != nil {
			return nil, ofCode(command.CodeGeneric, "%q is for pages; a stream has no end", name)
		}
	}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		g.query["after"] = last
	}
	return streamRoute.words(g)
}

// stream pushes events for as long as the client listens. It gives a problem only while nothing has been answered.
func (a *API) stream(w http.ResponseWriter, r *http.Request, g *given) *problem {
	words, p := subscription(r, g)
	if p != nil {
		return p
	}
	l, _, p := a.lines.take(r.Context(), userOf(r), clientOf(r), true)
	if p != nil {
		return p
	}
	defer a.lines.end(l)
	defer context.AfterFunc(r.Context(), func() { _ = l.Close() })()
	answer, err := l.exchange(words)
	switch {
	case err != nil:
		return ofCode(command.CodeShuttingDown, "the node ended the connection before the subscription began; another node serves, or this one in a moment")
	case answer.Type == wire.Error:
		return problemOf(answer)
	}
	position, _ := answer.Lookup("position")
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // some proxies would keep events back
	w.WriteHeader(http.StatusOK)
	s := &eventStream{w: w, controller: http.NewResponseController(w)}
	// The id alone is no event, but makes a client that comes back begin there.
	if s.write(fmt.Sprintf("retry: 1000\nid: %s\n\n", position.Text)) == nil {
		s.follow(r.Context(), l)
	}
	return nil
}

// eventStream writes server-sent events.
type eventStream struct {
	w          http.ResponseWriter
	controller *http.ResponseController
}

func (s *eventStream) write(text string) error {
	allowWriting(s.w)
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.controller.Flush()
}

// follow passes pushes on until the client goes, the node ends the connection, or the subscription has ended.
func (s *eventStream) follow(ctx context.Context, l *line) {
	pushes := make(chan wire.Value)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(pushes)
		for {
			value, err := l.replies.Read()
			if err != nil {
				return
			}
			select {
			case pushes <- value:
			case <-ctx.Done():
				return
			}
		}
	}()
	heartbeat := time.NewTicker(heartbeatEvery)
	defer heartbeat.Stop()
	for {
		select {
		case push, open := <-pushes:
			if !open || !s.pass(push) {
				return
			}
		case <-heartbeat.C:
			if s.write(": nothing new\n\n") != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// pass writes one push. It is false when nothing comes after it.
func (s *eventStream) pass(push wire.Value) bool {
	if push.Type != wire.Push || len(push.Elements) < 2 {
		return true
	}
	switch string(push.Elements[0].Text) {
	case "event":
		position, _ := push.Elements[1].Lookup("position")
		return s.write(fmt.Sprintf("id: %s\ndata: %s\n\n", position.Text, appendObject(nil, push.Elements[1], eventShape))) == nil
	case "events-lost":
		if sentence := string(push.Elements[len(push.Elements)-1].Text); strings.HasPrefix(sentence, command.CodeTooOld.Prefix()+" ") {
			// An empty id makes a client that comes back forget where it was, since that is gone.
			_ = s.write(fmt.Sprintf("id:\nevent: events-lost\ndata: %s\n\n", lostText(push)))
		}
		return false // otherwise the node stops, and the client comes back where it was
	}
	return true
}

// lostText tells that events are gone.
func lostText(push wire.Value) []byte {
	error := problemOf(wire.Value{Type: wire.Error, Text: push.Elements[len(push.Elements)-1].Text})
	text := append([]byte(`{"after":`), appendText(nil, string(push.Elements[1].Text))...)
	text = append(appendText(append(text, `,"message":`...), error.Message), `,"details":`...)
	if error.Details == nil {
		error.Details = []byte("{}")
	}
	return append(append(text, error.Details...), '}')
}
