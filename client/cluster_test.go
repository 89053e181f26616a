package client_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/client"
)

// The client against real nodes: tries, waits, releases, tokens, and what the holder's name looks like to others.
func TestAgainstACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c := s.client()
		defer closeClient(t, c)
		session := s.session(c, 10*time.Second)
		first, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		other := s.session(c, 10*time.Second)
		_, err = other.TryLock(t.Context(), "job")
		var held *client.HeldError
		if !errors.As(err, &held) || held.Token != first.Token() || held.Remaining <= 0 || held.Remaining > 10*time.Second {
			t.Fatalf("got %v, want a HeldError with token %d", err, first.Token())
		}
		granted := make(chan *client.Held)
		go func() {
			second, err := other.Lock(t.Context(), "job")
			if err != nil {
				t.Error(err)
			}
			granted <- second
		}()
		time.Sleep(time.Minute)
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := <-granted
		if second == nil || second.Token() <= first.Token() {
			t.Fatalf("token %v after %d", second, first.Token())
		}
		if answer, err := c.Do(t.Context(), "SET", "job", "me", "NX"); err != nil || len(answer.Text) != 0 {
			t.Errorf("SET NX of a natively held name answered %q, %v", answer.Text, err)
		}
		if err := other.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if third, err := session.TryLock(t.Context(), "job"); err != nil || third.Token() <= second.Token() {
			t.Errorf("after the session's end: %v, %v", third, err)
		}
	})
}

// A wait that times out leaves nothing behind.
func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c := s.client()
		defer closeClient(t, c)
		session := s.session(c, 10*time.Second)
		first, err := session.Lock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := session.Lock(ctx, "job"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want DeadlineExceeded", err)
		}
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		second, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatalf("the waiter that gave up holds the lock: %v", err)
		}
		if err := second.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// Leaders die one after another, with their doors, while three holders take turns: never two at once, tokens only grow, and no session is lost.
func TestLeadersDieUnderHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		var (
			inside  atomic.Int32
			highest atomic.Uint64
			turns   atomic.Int32
			holders sync.WaitGroup
		)
		ctx, stop := context.WithCancel(t.Context())
		for range 3 {
			c := s.client()
			defer closeClient(t, c)
			session := s.session(c, 10*time.Second)
			holders.Go(func() {
				for ctx.Err() == nil {
					held, err := session.Lock(ctx, "job")
					if err != nil {
						if ctx.Err() == nil {
							t.Errorf("lock: %v", err)
						}
						return
					}
					if inside.Add(1) != 1 {
						t.Error("two hold the lock at once")
					}
					if before := highest.Swap(held.Token()); before >= held.Token() {
						t.Errorf("token %d after %d", held.Token(), before)
					}
					time.Sleep(100 * time.Millisecond)
					if held.Context().Err() != nil {
						t.Errorf("lost: %v", context.Cause(held.Context()))
					}
					turns.Add(1)
					inside.Add(-1)
					if err := held.Release(t.Context()); err != nil {
						t.Errorf("release: %v", err)
						return
					}
				}
			})
		}
		for range 8 {
			time.Sleep(5 * time.Second)
			leader := s.cluster.AwaitLeader(-1)
			s.kill(leader)
			time.Sleep(5 * time.Second)
			s.restart(leader)
			s.cluster.AwaitReady(leader)
		}
		stop()
		holders.Wait()
		t.Logf("%d turns, highest token %d", turns.Load(), highest.Load())
		if turns.Load() < 200 {
			t.Errorf("only %d turns in 80 seconds with 8 dead leaders", turns.Load())
		}
	})
}
