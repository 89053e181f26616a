package clienttest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/clienttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inside and outside runs a test both ways.
func bothWays(t *testing.T, test func(t *testing.T, cluster *clienttest.Cluster)) {
	t.Run("outside a bubble", func(t *testing.T) { test(t, clienttest.Start(t)) })
	t.Run("in a bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, clienttest.Start(t)) })
	})
}

func TestStart(t *testing.T) {
	bothWays(t, func(t *testing.T, cluster *clienttest.Cluster) {
		held, err := cluster.Session().TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		if err := held.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestKillLeader(t *testing.T) {
	bothWays(t, func(t *testing.T, cluster *clienttest.Cluster) {
		session := cluster.Session()
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			cluster.KillLeader()
		}
		if held.State() == client.StateLost {
			t.Errorf("lost: %v", context.Cause(held.Context()))
		}
		next, err := cluster.Session().TryLock(t.Context(), "other")
		if err != nil || next.Token() <= held.Token() {
			t.Errorf("after three leaders: %v", err)
		}
	})
}

func TestAdvance(t *testing.T) {
	bothWays(t, func(t *testing.T, cluster *clienttest.Cluster) {
		session := cluster.Session()
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		lease, err := cluster.Client().TryLease(t.Context(), "leased", 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		cluster.Advance(10 * time.Second)
		if lease.Context().Err() != nil {
			t.Error("a lease of 20 s was lost after 10 s")
		}
		cluster.Advance(20 * time.Second)
		if lease.Context().Err() == nil {
			t.Error("a lease of 20 s lives after 30 s")
		}
		if held.State() != client.StateHeld || session.Remaining() < time.Second {
			t.Errorf("the session: %v, %v", held.State(), session.Remaining())
		}
		if _, err := session.TryLock(t.Context(), "leased"); err != nil {
			t.Errorf("the lock of a lease that ended: %v", err)
		}
	})
}

func TestCutOff(t *testing.T) {
	bothWays(t, func(t *testing.T, cluster *clienttest.Cluster) {
		session := cluster.Session()
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		cluster.CutOff()
		cluster.Advance(6 * time.Second)
		if state := held.State(); state != client.StateJeopardy {
			t.Errorf("after 6 s alone: %v", state)
		}
		cluster.Advance(6 * time.Second)
		var lost *client.LostError
		if !errors.As(context.Cause(held.Context()), &lost) || lost.Reason != client.LossUnrenewed {
			t.Errorf("after 12 s alone: %v", context.Cause(held.Context()))
		}
		cluster.Reconnect()
		if _, err := cluster.Session().TryLock(t.Context(), "job"); err != nil {
			t.Errorf("the lock of a session that ended: %v", err)
		}
	})
}

func TestExpireSession(t *testing.T) {
	bothWays(t, func(t *testing.T, cluster *clienttest.Cluster) {
		session := cluster.Session()
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		cluster.ExpireSession(session)
		if !errors.Is(context.Cause(held.Context()), client.ErrLost) {
			t.Errorf("cause %v", context.Cause(held.Context()))
		}
		if _, err := cluster.Session().TryLock(t.Context(), "job"); err != nil {
			t.Error(err)
		}
	})
}
