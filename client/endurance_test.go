package client_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/client"
)

var (
	enduranceSessions = flag.Int("sessions", 100, "how many sessions TestSessionsSurviveLeaderChanges has")
	enduranceReal     = flag.Bool("real-time", false, "run it in real time, which is as hard as the machine is busy; otherwise in a bubble")
	enduranceChanges  = flag.Int("leader-changes", 20, "how many leaders lose their office in it")
	enduranceSpan     = flag.Duration("span", 2*time.Minute, "within how long")
)

const enduranceTTL = 2 * time.Second

// Sessions with a TTL of two seconds survive twenty leader changes, half of them crashes, without one false expiration; then half of the processes die, and all that they held is free within the
// TTL and two seconds.
func TestSessionsSurviveLeaderChanges(t *testing.T) {
	if *enduranceReal {
		surviveLeaderChanges(t, *enduranceSessions)
		return
	}
	synctest.Test(t, func(t *testing.T) { surviveLeaderChanges(t, *enduranceSessions) })
}

func surviveLeaderChanges(t *testing.T, count int) {
	s := startServed(t)
	defer s.stop()
	crowd := s.gather(t, count)
	defer crowd.leave(t)
	crowd.changeLeaders(t, s)
	unrenewed, ended := crowd.losses()
	t.Logf("%d sessions, %d leader changes: %d lost here for want of an answer in time, %d ended by the cluster", count, *enduranceChanges, unrenewed, ended)
	if ended > 0 || unrenewed > 0 {
		t.Errorf("%d of %d live sessions were lost", unrenewed+ended, count)
	}
	took := crowd.killHalf(t)
	t.Logf("all that the dead half held was free after %v", took)
	if limit := enduranceTTL + 2*time.Second; took > limit {
		t.Errorf("it took %v until everything was free, want at most %v", took, limit)
	}
	if unrenewed, ended := crowd.losses(); unrenewed+ended > 0 {
		t.Errorf("%d sessions of the living half were lost", unrenewed+ended)
	}
}

// crowd is many sessions of a few processes, each with a lock.
type crowd struct {
	clients  []*client.Client
	sessions [][]*client.Session
	probe    *client.Session
}

func (s *served) gather(t *testing.T, count int) *crowd {
	const processes = 10
	c := &crowd{sessions: make([][]*client.Session, processes)}
	var opening sync.WaitGroup
	places := make(chan struct{}, 64)
	for p := range processes {
		process := s.clientWith(func(o *client.Options) {
			o.Endpoints = []string{fmt.Sprint(p % 3), fmt.Sprint((p + 1) % 3), fmt.Sprint((p + 2) % 3)}
		})
		c.clients = append(c.clients, process)
		c.sessions[p] = make([]*client.Session, count/processes)
		for i := range c.sessions[p] {
			places <- struct{}{}
			opening.Go(func() {
				defer func() { <-places }()
				session, err := process.OpenSession(t.Context(), client.SessionOptions{TTL: enduranceTTL})
				if err != nil {
					t.Error(err)
					return
				}
				c.sessions[p][i] = session
				if _, err := session.TryLock(t.Context(), lockOf(p, i)); err != nil {
					t.Error(err)
				}
			})
		}
		opening.Wait()
	}
	watcher := s.client()
	c.clients = append(c.clients, watcher)
	c.probe = s.session(watcher, 10*time.Second)
	return c
}

func lockOf(process, session int) string {
	return fmt.Sprintf("lock %d of process %d", session, process)
}

// changeLeaders lets leaders crash and hand over, in turn.
func (c *crowd) changeLeaders(t *testing.T, s *served) {
	every := *enduranceSpan / time.Duration(*enduranceChanges)
	for change := range *enduranceChanges {
		begin := time.Now()
		leader := s.cluster.AwaitLeader(-1)
		if change%2 == 0 {
			s.kill(leader)
			s.cluster.AwaitLeader(leader)
			time.Sleep(every / 4)
			s.restart(leader)
			s.cluster.AwaitReady(leader)
		} else if _, err := c.clients[len(c.clients)-1].Do(t.Context(), "COORDD.TRANSFER"); err != nil && client.Definite(err) {
			t.Errorf("transfer: %v", err)
		}
		time.Sleep(every - time.Since(begin))
	}
}

// losses counts the sessions that are lost: for want of an answer in time, and because the cluster had ended them.
func (c *crowd) losses() (unrenewed, ended int) {
	for _, sessions := range c.sessions {
		for _, session := range sessions {
			var lost *client.LostError
			switch {
			case session == nil || !errors.As(context.Cause(session.Context()), &lost):
			case lost.Reason == client.LossUnrenewed:
				unrenewed++
			default:
				ended++
			}
		}
	}
	return unrenewed, ended
}

// killHalf lets half of the processes die, and tells how long it took until everything that they held was free.
func (c *crowd) killHalf(t *testing.T) time.Duration {
	half := len(c.sessions) / 2
	for _, process := range c.clients[:half] {
		closeClient(t, process) // without closing its sessions
	}
	begin := time.Now()
	var waiting sync.WaitGroup
	var latest atomic.Int64
	for p, sessions := range c.sessions[:half] {
		for i := range sessions {
			waiting.Go(func() {
				held, err := c.probe.Lock(t.Context(), lockOf(p, i))
				if err != nil {
					t.Error(err)
					return
				}
				took := int64(time.Since(begin))
				for before := latest.Load(); before < took && !latest.CompareAndSwap(before, took); before = latest.Load() {
				}
				if err := held.Release(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	waiting.Wait()
	c.sessions, c.clients = c.sessions[half:], c.clients[half:]
	return time.Duration(latest.Load())
}

func (c *crowd) leave(t *testing.T) {
	for _, process := range c.clients {
		closeClient(t, process)
	}
}
