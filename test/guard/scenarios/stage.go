package scenarios

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/guard/holder"
	"github.com/coordd/coordd/test/guard/link"
	"github.com/coordd/coordd/test/guard/store"
)

// Place is where scenarios are played.
type Place struct {
	Group   *process.Group
	Program string // this program, which is the holders' too
	Cluster string // the cluster's address
	Store   string // the database's address
	DSN     func(address string) string
	Client  *client.Client
	Judge   *store.Store
	TTL     time.Duration

	// Sabotage leaves the guard out where it is said to be: every scenario must then fail. It is for showing that.
	Sabotage bool
}

// Scenario is one of them, by its number in the project's list.
type Scenario struct {
	Name  string
	Title string
	play  func(ctx context.Context, s *stage) error
}

// All lists the scenarios.
var All = []Scenario{
	{"K1", "the holder is stopped for 1.5 TTL and writes when it wakes", pauseWhileHolding},
	{"K2", "the holder's write is under way for longer than its lease", delayedPacket},
	{"K3", "the holder checks that it holds the lock, is stopped, and writes", pauseAfterCheck},
	{"K6", "the holder is stopped while the grant is on its way to it", pauseDuringAcquire},
	{"K7", "the holder is stopped right after it found the grant to be in time", pauseAfterElapsedCheck},
	{"K8", "two writes overtake each other on the way to the store", orderInversion},
	{"K11", "the holder is cut from the cluster and not from the store", cutFromCluster},
	{"K14", "a waiter's session dies in the queue, then the old holder writes", waiterDies},
	{"K15", "answers are lost; an old release is repeated, then an old write", lostReplies},
}

// stage is one scenario while it is played.
type stage struct {
	*Place
	name    string
	guarded bool
	lock    string // that the scenario is about
	result  Result
	links   []*link.Link
}

// Result is how one scenario ended.
type Result struct {
	Scenario      string   `json:"scenario"`
	Title         string   `json:"title"`
	Guarded       bool     `json:"guarded"`
	Accepted      int      `json:"accepted"`
	StaleAccepted int      `json:"stale_accepted"`
	StaleRefused  int      `json:"stale_refused"`
	Notes         []string `json:"notes,omitempty"`
	Faults        []string `json:"faults,omitempty"`
	Seconds       float64  `json:"seconds"`
}

// OK reports whether the result is what it must be.
func (r Result) OK() bool { return len(r.Faults) == 0 }

// Play plays a scenario and judges it.
func Play(ctx context.Context, place *Place, scenario Scenario, guarded bool) Result {
	mode := "off"
	if guarded {
		mode = "on"
	}
	s := &stage{Place: place, name: scenario.Name + "-" + mode, guarded: guarded, lock: scenario.Name + "-" + mode + "/",
		result: Result{Scenario: scenario.Name, Title: scenario.Title, Guarded: guarded}}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 20*place.TTL+30*time.Second)
	defer cancel()
	err := s.Judge.AddLock(ctx, s.lock)
	if err == nil {
		err = scenario.play(ctx, s)
	}
	s.expect(err == nil, "it could not be played to its end: %v", err)
	for _, link := range s.links {
		link.Close()
	}
	s.judge(ctx)
	s.result.Seconds = time.Since(begun).Seconds()
	return s.result
}

func (s *stage) judge(ctx context.Context) {
	var err error
	s.result.Accepted, s.result.StaleAccepted, err = s.Judge.Judge(ctx, s.lock)
	s.expect(err == nil, "the history cannot be read: %v", err)
	if s.guarded {
		s.expect(s.result.StaleAccepted == 0, "%d stale writes were accepted in spite of the guard", s.result.StaleAccepted)
		s.expect(s.result.StaleRefused > 0, "no stale write was refused, so nothing was shown")
	} else {
		s.expect(s.result.StaleAccepted > 0, "without a guard no stale write was accepted, so this scenario cannot fail")
	}
}

// expect notes a fault unless something holds.
func (s *stage) expect(holds bool, fault string, args ...any) {
	if !holds {
		s.result.Faults = append(s.result.Faults, fmt.Sprintf(fault, args...))
	}
}

// note keeps a figure for the report.
func (s *stage) note(format string, args ...any) {
	s.result.Notes = append(s.result.Notes, fmt.Sprintf(format, args...))
}

// actor is a holder with its links to the cluster and to the store.
type actor struct {
	*holder.Holder
	stage   *stage
	cluster *link.Link
	store   *link.Link
}

// actor starts a holder. With a session it has one opened.
func (s *stage) actor(ctx context.Context, name string, session bool) (*actor, error) {
	a := &actor{stage: s}
	for _, end := range []struct {
		link   **link.Link
		target string
	}{{&a.cluster, s.Cluster}, {&a.store, s.Store}} {
		opened, err := link.New(end.target)
		if err != nil {
			return nil, err
		}
		*end.link = opened
		s.links = append(s.links, opened)
	}
	var err error
	a.Holder, err = holder.Start(s.Group, s.Program, s.name+"-"+name, "--endpoint", a.cluster.Address, "--dsn", s.DSN(a.store.Address),
		"--ttl", s.TTL.String(), fmt.Sprintf("--guarded=%v", s.guarded && !s.Sabotage))
	if err != nil || !session {
		return a, err
	}
	_, err = a.Must(ctx, holder.Order{Do: "open"})
	return a, err
}

// take starts a holder that takes the lock by waiting for it, and writes under it.
func (s *stage) takeAndWrite(ctx context.Context, name string) (*actor, holder.Answer, error) {
	a, err := s.actor(ctx, name, true)
	if err != nil {
		return nil, holder.Answer{}, err
	}
	granted, err := a.Must(ctx, holder.Order{Do: "lock", Lock: s.lock})
	if err != nil {
		return nil, granted, err
	}
	_, err = a.Must(ctx, holder.Order{Do: "write", Lock: s.lock, Version: int64(granted.Token)})
	return a, granted, err
}

// stale is the answer to a write that came too late: with the guard it must be the guard's refusal, without it nobody refuses.
func (s *stage) stale(who *actor, answer holder.Answer) {
	if answer.Refused {
		s.result.StaleRefused++
	}
	s.expect(answer.Refused == s.guarded, "the late write of %s was answered with %q", who.Name, answer.Error)
	s.expect(s.guarded || answer.Error == "", "without a guard the late write of %s failed: %s", who.Name, answer.Error)
}

// awaitToken waits until the cluster says that the lock is held, or with 0 that it is free, and answers its token.
func (s *stage) awaitToken(ctx context.Context, held bool) (int64, error) {
	for {
		answer, err := s.Client.Do(ctx, "FENCE", s.lock)
		if err != nil {
			return 0, err
		}
		token, isHeld := answer.Int()
		if isHeld == held {
			return token, nil
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// awaitQueue waits until so many wait for the lock.
func (s *stage) awaitQueue(ctx context.Context, waiting int) error {
	for {
		_, err := s.Client.Do(ctx, "LOCK.ACQUIRE", s.lock, "PX", "1000")
		if err == nil {
			return fmt.Errorf("lock %s was free", s.lock)
		}
		if strings.Contains(err.Error(), fmt.Sprintf("; %d waiting", waiting)) {
			return nil
		}
		if pause := sleep(ctx, 10*time.Millisecond); pause != nil {
			return fmt.Errorf("%w; the last answer was %q", pause, err)
		}
	}
}

func sleep(ctx context.Context, span time.Duration) error {
	select {
	case <-time.After(span):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
