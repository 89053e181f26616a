package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Event is one change that the cluster made, in the order in which it made them: every node tells the same.
type Event struct {
	Position   string // to go on from
	Type       string // "began", "ended", "queued", "waiter_granted", "waiter_gone", "reserved", "vacant", "described", "lost", "acknowledged", "session_ended" or "session_killed"
	Name       string
	Token      uint64
	ID         string // of the hold or the waiter
	Mode       Mode
	Session    string
	Owner      string
	Reason     string
	Actor, Why string // of an operator
	Metadata   string
	AtMs       int64 // the instant of the cluster's clock
	UntilMs    int64 // the end of a reservation, on the same clock
}

// WatchOptions says what to watch: whatever is about one of Names, begins with one of Prefixes, or concerns one of Sessions. Without any, everything.
type WatchOptions struct {
	From                      string // the position to go on from; empty: from now on
	Names, Prefixes, Sessions []string
}

func (o WatchOptions) words(from string) []string {
	if from == "" {
		from = "$"
	}
	words := []string{"EVENTS.SUBSCRIBE", from}
	for _, name := range o.Names {
		words = append(words, "NAME", name)
	}
	for _, prefix := range o.Prefixes {
		words = append(words, "PREFIX", prefix)
	}
	for _, session := range o.Sessions {
		words = append(words, "SESSION", session)
	}
	return words
}

// GapError says that the cluster does not remember the events from a position on any more, so some were missed. Read [Client.LocksPage] anew and watch from its position.
type GapError struct {
	From   string // where the watch was
	Oldest string // the oldest position that is remembered
}

// Error implements error.
func (e *GapError) Error() string {
	return fmt.Sprintf("the events after %s are not remembered any more (the oldest position is %s): list the locks and watch from that list's position", e.From, e.Oldest)
}

// Watch yields events until the context ends, over a connection of its own. When that breaks the watch goes on at another node where it was, without a gap and without
// repeating itself. It ends with an error: the context's cause, or a [*GapError] when the caller was too slow or away for too long.
func (c *Client) Watch(ctx context.Context, options WatchOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(c.ctx, func() { cancel(ErrClosed) })()
		w := &watch{client: c, options: options, from: options.From}
		for attempt := 1; ; attempt++ {
			before := w.from
			more, err := w.follow(ctx, func(event Event) bool { return yield(event, nil) })
			switch {
			case !more:
				return
			case ctx.Err() != nil:
				yield(Event{}, context.Cause(ctx))
				return
			case isFinal(err):
				yield(Event{}, err)
				return
			}
			if w.from != before {
				attempt = 1
			}
			if pause(ctx, attempt) != nil {
				yield(Event{}, context.Cause(ctx))
				return
			}
		}
	}
}

// isFinal reports whether another node would say the same.
func isFinal(err error) bool {
	var gap *GapError
	var refused *ServerError
	return errors.As(err, &gap) || errors.As(err, &refused) && !outcomes[refused.Code].again
}

// watch is a subscription, over as many connections as it takes.
type watch struct {
	client  *Client
	options WatchOptions
	from    string
}

// follow subscribes over one connection and hands on what comes. more is false when the caller has had enough.
func (w *watch) follow(ctx context.Context, yield func(Event) bool) (more bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pushes := make(chan wire.Value)
	var handing atomic.Bool // the reader waits for the caller
	established, err := w.client.endpoints.connect(ctx, func(_ *connection, push wire.Value) error {
		handing.Store(true)
		defer handing.Store(false)
		select {
		case pushes <- push:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if err != nil {
		return true, err
	}
	defer func() {
		cancel()
		established.close(errRetired)
		established.serving.Wait()
	}()
	answered := make(chan error, 1)
	established.serving.Go(func() { answered <- w.subscribe(ctx, established) })
	established.serving.Go(func() { keepOpen(ctx, established, &handing) })
	var early []wire.Value // the position that the answer tells comes first
	for subscribed := false; ; {
		select {
		case push := <-pushes:
			if !subscribed {
				early = append(early, push)
				continue
			}
			if more, err := w.hand(push, yield); !more || err != nil {
				return more, err
			}
		case err := <-answered:
			if err != nil {
				w.client.endpoints.pass(established.endpoint)
				return true, err
			}
			subscribed = true
			for _, push := range early {
				if more, err := w.hand(push, yield); !more || err != nil {
					return more, err
				}
			}
		case <-established.broken:
			w.client.endpoints.pass(established.endpoint)
			return true, established.failure()
		case <-ctx.Done():
			return true, context.Cause(ctx)
		}
	}
}

func (w *watch) subscribe(ctx context.Context, to *connection) error {
	limited, cancel := context.WithTimeout(ctx, w.client.options.AttemptTimeout)
	defer cancel()
	answer, _, err := to.do(limited, wire.AppendRequest(nil, w.options.words(w.from)...))
	if err == nil {
		err = serverError(answer)
	}
	if hasCode(err, "TOOOLD") {
		return &GapError{From: w.from, Oldest: detailsOf(err).text("oldest")}
	}
	if err == nil && w.from == "" {
		w.from = mapOf(answer).text("position")
	}
	return err
}

// hand gives one push to the caller.
func (w *watch) hand(push wire.Value, yield func(Event) bool) (more bool, err error) {
	if len(push.Elements) < 2 {
		return true, nil
	}
	switch string(push.Elements[0].Text) {
	case "event":
		event := eventOf(push.Elements[1])
		w.from = event.Position
		return yield(event), nil
	case "events-lost":
		return true, &GapError{From: w.from, Oldest: string(push.Elements[1].Text)}
	}
	return true, nil
}

const (
	idlePause = 10 * time.Second // between questions whether the other end is still there
	idleLimit = 15 * time.Second // how long the answer may take
)

// keepOpen closes a connection whose other end does not answer, though the reader is free to read it.
func keepOpen(ctx context.Context, established *connection, busy *atomic.Bool) {
	ping := wire.AppendRequest(nil, "PING")
	for wait(ctx, idlePause) == nil && established.alive() {
		limited, cancel := context.WithTimeout(ctx, idleLimit)
		_, _, err := established.do(limited, ping)
		cancel()
		if err != nil && ctx.Err() == nil && !busy.Load() {
			established.close(err)
		}
	}
}

func eventOf(told wire.Value) Event {
	f := mapOf(told)
	return Event{Position: f.text("position"), Type: f.text("type"), Name: f.text("name"), Token: f.token("token"), ID: f.text("waiter"), Mode: Mode(f.text("mode")),
		Session: f.text("session"), Owner: f.text("owner"), Reason: f.text("reason"), Actor: f.text("actor"), Why: f.text("why"), Metadata: f.text("meta"),
		AtMs: f.number("at_ms"), UntilMs: f.number("until_ms")}
}
