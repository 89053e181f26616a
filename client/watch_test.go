package client

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// tellEvent pushes an event to every connection to an endpoint that is subscribed.
func (f *fakeCluster) tellEvent(pairs ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.open {
		if one.subscribed {
			_ = one.output.Push(func(to []byte) []byte {
				return append(wire.AppendBulk(wire.AppendPushHeader(to, wire.RESP3, 2), "event"), appendPairs(pairs...)...)
			})
		}
	}
}

// subscriptions lets the cluster accept subscriptions, and notes from where they were asked for.
func (f *fakeCluster) subscriptions(from *[]string) {
	f.answer("EVENTS.SUBSCRIBE", func(words []string) []byte {
		*from = append(*from, words[1])
		return appendPairs("position", "7-0")
	})
}

// A watch goes on where it was when its connection breaks, without a gap and without repeating itself.
func TestAWatchGoesOnWhereItWas(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		var from []string
		cluster.subscriptions(&from)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := make(chan Event)
		ended := make(chan error, 1)
		go func() {
			for event, err := range c.Watch(ctx, WatchOptions{Names: []string{"job"}}) {
				if err != nil {
					ended <- err
					continue
				}
				events <- event
			}
			close(events)
		}()
		for i := range int64(4) {
			synctest.Wait()
			position := fmt.Sprintf("%d-1", 10+i)
			cluster.tellEvent("position", position, "type", "began", "name", "job", "token", 100+i, "waiter", "9-0", "meta", "me")
			if event := <-events; event.Position != position || event.Token != uint64(100+i) || event.Type != "began" || event.ID != "9-0" || event.Metadata != "me" {
				t.Errorf("got %+v", event)
			}
			cluster.cutSubscribed()
			time.Sleep(time.Second)
		}
		cluster.mu.Lock()
		if want := fmt.Sprint([]string{"$", "10-1", "11-1", "12-1", "13-1"}); fmt.Sprint(from) != want {
			t.Errorf("subscribed from %v, want %v", from, want)
		}
		cluster.mu.Unlock()
		cancel()
		if _, more := <-events; more {
			t.Error("an event after the end")
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		if session.Context().Err() != nil {
			t.Error("the session was lost")
		}
	})
}

// What a watch missed is told, with where to begin anew; it does not go on with a gap.
func TestAWatchTellsOfAGap(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		cluster.answer("EVENTS.SUBSCRIBE", func([]string) []byte {
			return wire.AppendError(nil, `TOOOLD the events after 3-0 are gone {"oldest":"8-0"}`)
		})
		var gap *GapError
		for event, err := range c.Watch(t.Context(), WatchOptions{From: "3-0"}) {
			if !errors.As(err, &gap) || gap.From != "3-0" || gap.Oldest != "8-0" {
				t.Errorf("got %+v, %v", event, err)
			}
		}
		var from []string
		cluster.subscriptions(&from)
		go func() {
			synctest.Wait()
			cluster.mu.Lock()
			defer cluster.mu.Unlock()
			for one := range cluster.open {
				if one.subscribed {
					_ = one.output.Push(func(to []byte) []byte {
						return append(wire.AppendPushHeader(to, wire.RESP3, 3), "$11\r\nevents-lost\r\n$4\r\n20-0\r\n$5\r\nsorry\r\n"...)
					})
				}
			}
		}()
		gap = nil
		for event, err := range c.Watch(t.Context(), WatchOptions{Prefixes: []string{"jobs/"}, Sessions: []string{"1-0"}}) {
			if !errors.As(err, &gap) || gap.From != "7-0" || gap.Oldest != "20-0" {
				t.Errorf("got %+v, %v", event, err)
			}
		}
		if gap == nil {
			t.Error("the watch ended without a word")
		}
	})
}

// A consumer that takes its time does not cost the watch its connection, and one that stops leaves nothing behind.
func TestASlowWatcher(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		var from []string
		cluster.subscriptions(&from)
		go func() {
			synctest.Wait()
			for i := range 5 {
				cluster.tellEvent("position", fmt.Sprintf("%d-0", 10+i), "type", "ended")
			}
		}()
		count := 0
		for _, err := range c.Watch(t.Context(), WatchOptions{}) {
			if err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			if count++; count == 5 {
				break
			}
		}
		if count != 5 || len(from) != 1 {
			t.Errorf("%d events over %d connections", count, len(from))
		}
	})
}

// A node that goes silent is noticed although a watch sends nothing.
func TestASilentWatchIsNoticed(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		var from []string
		cluster.subscriptions(&from)
		cluster.script(func(endpoint string, words []string) fate {
			if words[0] == "PING" && endpoint == "a" {
				return ignored
			}
			return answered
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		for range c.Watch(ctx, WatchOptions{}) {
		}
		if len(from) != 2 {
			t.Errorf("subscribed %d times, want once more after the silence", len(from))
		}
	})
}

// An election is observed: a leader, what it says, nobody, another leader; each once.
func TestObserve(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		var from []string
		cluster.subscriptions(&from)
		leader := appendPairs("leader", "node-1", "value", "10.0.0.1", "token", int64(50), "waiter", "49-0", "candidates", int64(2))
		cluster.answer("LOCK.LIST", func([]string) []byte { return appendPairs("cursor", "", "position", "5-0") })
		cluster.answer("ELECTION.LEADER", func([]string) []byte { return leader })
		next := func(now []byte, kind string) {
			synctest.Wait()
			cluster.mu.Lock()
			leader = now
			cluster.mu.Unlock()
			cluster.tellEvent("position", "9-0", "type", kind, "name", "region")
		}
		go func() {
			next(leader, "began") // told already
			next(leader, "queued")
			next(append(wire.AppendMapHeader(nil, wire.RESP3, 2), "$6\r\nleader\r\n_\r\n$8\r\nuntil_ms\r\n:0\r\n"...), "vacant")
			next(appendPairs("leader", "node-2", "value", "10.0.0.2", "token", int64(60)), "began")
			next(appendPairs("leader", "node-2", "value", "draining", "token", int64(60)), "described")
		}()
		var seen []string
		for leader, err := range c.Election("region").Observe(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, fmt.Sprintf("%s=%s/%v", leader.Candidate, leader.Value, leader.Vacant()))
			if leader.Value == "draining" {
				break
			}
		}
		if want := "[node-1=10.0.0.1/false =/true node-2=10.0.0.2/false node-2=draining/false]"; fmt.Sprint(seen) != want {
			t.Errorf("saw %v, want %v", seen, want)
		}
		if fmt.Sprint(from) != "[5-0]" {
			t.Errorf("subscribed from %v", from)
		}
	})
}

func TestLeadership(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		waiting := wire.AppendArrayHeader(nil, 0)
		cluster.answer("ELECTION.CANDIDATES", func([]string) []byte { return waiting })
		var said []string
		cluster.answer("ELECTION.PROCLAIM", func(words []string) []byte {
			said = append(said, optionOf(words, "VALUE"))
			return wire.AppendStatus(nil, "OK")
		})
		cluster.answer("ELECTION.TRANSFER", func(words []string) []byte {
			said = append(said, "to "+optionOf(words, "TO"))
			return appendPairs("leader", "node-2", "waiter", "70-0", "pending", int64(0))
		})
		leadership, err := c.Election("region").Campaign(t.Context(), session, "10.0.0.1", Owner("node-1"))
		if err != nil {
			t.Fatal(err)
		}
		cluster.mu.Lock()
		if words := cluster.words[len(cluster.words)-1]; optionOf(words, "VALUE") != "10.0.0.1" || optionOf(words, "OWNER") != "node-1" {
			t.Errorf("campaigned with %v", words)
		}
		cluster.mu.Unlock()
		if err := leadership.Proclaim(t.Context(), "draining"); err != nil {
			t.Error(err)
		}
		if err := leadership.Transfer(t.Context(), "node-2"); !errors.Is(err, ErrNoCandidate) || leadership.State() != StateHeld {
			t.Errorf("transfer to nobody: %v, %v", err, leadership.State())
		}
		cluster.mu.Lock()
		waiting = append(wire.AppendArrayHeader(nil, 1), appendPairs("owner", "node-2", "waiter", "70-0")...)
		cluster.mu.Unlock()
		if err := leadership.Transfer(t.Context(), "node-2"); err != nil || leadership.State() != StateReleased {
			t.Errorf("transfer: %v, %v", err, leadership.State())
		}
		if fmt.Sprint(said) != "[draining to node-2]" {
			t.Errorf("said %v", said)
		}
	})
}
