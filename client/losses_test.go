package client

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// A forced unlock ends the holder's context with the operator's reason, and is acknowledged only after the work under the lock has stopped: until then nobody else has it.
func TestS05_AForcedUnlockIsAcknowledgedAfterTheWork(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		other := openSession(t, c, 10*time.Second)
		var stopped time.Time
		worked := make(chan error, 1)
		go func() {
			worked <- session.Do(t.Context(), "job", func(ctx context.Context, token uint64) error {
				<-ctx.Done()
				time.Sleep(time.Second) // the work takes its time to stop
				stopped = time.Now()
				return context.Cause(ctx)
			})
		}()
		synctest.Wait()
		if _, err := c.ForceUnlock(t.Context(), "job", Force{Reason: "stuck since Tuesday"}); err != nil {
			t.Fatal(err)
		}
		next, err := other.Lock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		if stopped.IsZero() || time.Since(stopped) > 100*time.Millisecond {
			t.Errorf("the next holder began %v after the work had stopped", time.Since(stopped))
		}
		var lost *LostError
		if err := <-worked; !errors.As(err, &lost) || lost.Reason != LossForced || lost.Why != "stuck since Tuesday" || lost.Name != "job" || lost.Session != session.ID() {
			t.Errorf("the work ended with %v", err)
		}
		if session.Context().Err() != nil {
			t.Error("the session was lost with its lock")
		}
		mustRelease(t, next)
		stillHeld(t, cluster)
	})
}

// A hold whose loss is told before the answer that grants it must never be believed.
func TestS05_AGrantThatWasLostOnItsWayIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, func(o *Options) { o.AttemptTimeout = 7 * time.Second })
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		lost := false
		cluster.script(func(_ string, words []string) fate {
			if words[0] == "LOCK.ACQUIRE" && !lost {
				lost = true
				return unheard
			}
			return answered
		})
		taken := make(chan error, 1)
		go func() {
			_, err := session.TryLock(t.Context(), "job")
			taken <- err
		}()
		synctest.Wait()
		operator := dialFake(t, cluster, nil)
		defer func() { _ = operator.Close() }()
		if _, err := operator.ForceUnlock(t.Context(), "job", Force{Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second) // a keepalive over the next connection tells of it, and the acquire has not been sent again
		session.mu.Lock()
		strangers := len(session.holds.strangers)
		session.mu.Unlock()
		if strangers != 1 {
			t.Errorf("%d losses of unknown holds, want 1; the test is worth nothing", strangers)
		}
		var loss *LostError
		if err := <-taken; !errors.As(err, &loss) || loss.Reason != LossForced {
			t.Errorf("the acquire ended with %v", err)
		}
		stillHeld(t, cluster)
	})
}

// The grant that a retry is answered is not believed either when its loss was told before, even if the answer says nothing of it.
func TestS05_AnOldGrantIsNotBelievedAfterItsLoss(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		session.lose(mapValue("name", "job", "waiter", "77-0", "reason", "forced"))
		a := exclusive("job", lockOptions{})
		if _, err := session.adopt(a, grant{names: []string{"job"}, waiter: "77-0", token: 77}); !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
		for i := range 2 * maxStrangeLost {
			session.lose(mapValue("name", "job", "waiter", string(rune('a'+i%26))+time.Duration(i).String()))
		}
		session.mu.Lock()
		defer session.mu.Unlock()
		if kept := len(session.holds.strangers); kept != maxStrangeLost || len(session.holds.strangerOrder) != kept {
			t.Errorf("%d losses are kept", kept)
		}
		clear(session.holds.unacknowledged)
	})
}

func mapValue(pairs ...string) wire.Value {
	value := wire.Value{Type: wire.Map}
	for _, word := range pairs {
		value.Elements = append(value.Elements, wire.Value{Type: wire.Bulk, Text: []byte(word)})
	}
	return value
}

// A pushed loss ends the context at once, without waiting for a keepalive.
func TestALossIsPushed(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		held := mustTry(t, session, "job")
		cluster.mu.Lock()
		loss := cluster.locks.lose(cluster.locks.holds[held.ID()], "forced", "because")
		for one := range cluster.open {
			_ = one.output.Push(func(to []byte) []byte {
				to = wire.AppendBulk(wire.AppendBulk(wire.AppendPushHeader(to, wire.RESP3, 3), "lost"), session.ID())
				return append(to, loss.spelled()...)
			})
		}
		cluster.mu.Unlock()
		begin := time.Now()
		<-held.Context().Done()
		if time.Since(begin) != 0 || held.State() != StateLost || held.Remaining() != 0 {
			t.Errorf("after %v: %v", time.Since(begin), held.State())
		}
		mustRelease(t, held)
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		if len(cluster.locks.blocked) != 0 {
			t.Error("a released loss is not acknowledged")
		}
	})
}

// An acknowledgement is repeated until a keepalive with it was answered.
func TestS05_AnAcknowledgementIsRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		held := mustTry(t, session, "job")
		if _, err := c.ForceUnlock(t.Context(), "job", Force{Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
		<-held.Context().Done()
		refusals := 0
		cluster.script(func(_ string, words []string) fate {
			if words[0] == "SESSION.RENEW" && hasOption(words, "ACK") && refusals < 3 {
				refusals++
				return cutBefore
			}
			return answered
		})
		mustRelease(t, held)
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		if len(cluster.locks.blocked) != 0 || refusals != 3 {
			t.Errorf("%d refusals; blocked: %v", refusals, cluster.locks.blocked)
		}
	})
}

// Max hold ends the holder's context here before the cluster ends the hold, though the session lives on.
func TestS04_MaxHoldEndsHereFirst(t *testing.T) {
	for _, rate := range []float64{0.9, 1, 1.1} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			cluster.rate = rate
			c := dialFake(t, cluster, nil)
			defer finish(t, cluster, c)
			session := openSession(t, c, 10*time.Second)
			time.Sleep(1234 * time.Millisecond)
			for _, wait := range []bool{false, true} {
				if wait {
					first := mustTry(t, session, "job")
					time.AfterFunc(time.Minute, func() { mustRelease(t, first) })
				}
				held, err := session.Lock(t.Context(), "job", MaxHold(20*time.Second))
				if err != nil {
					t.Fatal(err)
				}
				<-held.Context().Done()
				ended := cluster.clock()
				cluster.mu.Lock()
				until := time.Duration(float64(cluster.locks.holds[held.ID()].until)/rate) * time.Millisecond
				cluster.mu.Unlock()
				if ended >= until || until-ended > 8*time.Second {
					t.Errorf("rate %v: ended at %v here, at %v on the cluster", rate, ended, until)
				}
				var lost *LostError
				if !errors.As(context.Cause(held.Context()), &lost) || lost.Reason != LossMaxHold || session.Context().Err() != nil {
					t.Errorf("cause %v", context.Cause(held.Context()))
				}
				time.Sleep(10 * time.Second) // the cluster ends it, and tells the session
				mustRelease(t, held)
				stillHeld(t, cluster)
				if again := mustTry(t, session, "job"); again != nil {
					mustRelease(t, again)
				}
			}
		})
	}
}

// A session that an operator killed says so.
func TestAKilledSession(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		held := mustTry(t, session, "job")
		cluster.answer("SESSION.RENEW", func([]string) []byte {
			return wire.AppendError(nil, `NOSESSION session was killed {"killed":"it was stuck"}`)
		})
		<-held.Context().Done()
		var lost *LostError
		if !errors.As(context.Cause(held.Context()), &lost) || lost.Reason != LossKilled || lost.Why != "it was stuck" || lost.Session != session.ID() {
			t.Errorf("cause %v", context.Cause(held.Context()))
		}
		if states := slices.Collect(held.States(t.Context())); !slices.Equal(states, []State{StateLost}) {
			t.Errorf("states %v", states)
		}
	})
}

// A late keepalive is told as jeopardy, its answer as held again, and the end as lost; in time.
func TestStates(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, _ *Session) {
		session := openSession(t, c, 9*time.Second)
		held := mustTry(t, session, "job")
		begin := time.Now()
		type change struct {
			state State
			at    time.Duration
		}
		var changes []change
		done := make(chan struct{})
		go func() {
			defer close(done)
			for state := range held.States(t.Context()) {
				changes = append(changes, change{state, time.Since(begin)})
			}
		}()
		synctest.Wait()
		keepalives := func(become fate) {
			cluster.script(func(_ string, words []string) fate {
				if words[0] == "SESSION.RENEW" {
					return become
				}
				return answered
			})
		}
		keepalives(loading)
		time.Sleep(5 * time.Second)
		keepalives(answered)
		time.Sleep(time.Second)
		keepalives(loading)
		<-done
		states := []State{}
		for _, one := range changes {
			states = append(states, one.state)
		}
		if !slices.Equal(states, []State{StateHeld, StateJeopardy, StateHeld, StateJeopardy, StateLost}) {
			t.Errorf("states %v", changes)
		}
		if changes[1].at != 4500*time.Millisecond {
			t.Errorf("jeopardy after %v, want half a TTL", changes[1].at)
		}
		if session.State() != StateLost || held.State() != StateLost {
			t.Errorf("session %v, lock %v", session.State(), held.State())
		}
	})
}

// Watching states ends with its context, and with the loop.
func TestStatesEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if states := slices.Collect(session.States(ctx)); !slices.Equal(states, []State{StateHeld}) || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v", states, time.Since(begin))
		}
		for range session.States(t.Context()) {
			break
		}
	})
}
