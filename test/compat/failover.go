package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coordd/coordd/test/compat/cluster"
)

// failover measures how long clients pause when the leader is killed.
type failover struct {
	trials, clients         int
	before, after           time.Duration
	medianLimit, worstLimit time.Duration
}

func failoverCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	f := &failover{}
	set.IntVar(&f.trials, "trials", 10, "how often the leader is killed")
	set.IntVar(&f.clients, "clients", 32, "how many clients take and release locks of their own meanwhile")
	set.DurationVar(&f.before, "before", time.Second, "load before each kill")
	set.DurationVar(&f.after, "after", 4*time.Second, "load after each kill, before the killed node is started again")
	set.DurationVar(&f.medianLimit, "median-limit", 0, "fail when the median pause is longer; 0 only reports")
	set.DurationVar(&f.worstLimit, "worst-limit", 0, "fail when the longest pause is longer; 0 only reports")
	return f.run
}

func (f *failover) run(ctx context.Context, s *setup) error {
	servers, err := s.startOwn(ctx)
	if err != nil {
		return err
	}
	var service, clients []time.Duration
	for trial := range f.trials {
		pause, each, err := f.trial(ctx, servers)
		if err != nil {
			return fmt.Errorf("trial %d: %w", trial+1, err)
		}
		s.printf("trial %2d: the service paused for %s; a client for %s (median) to %s (worst)\n",
			trial+1, milliseconds(pause), milliseconds(median(each)), milliseconds(maximum(each)))
		service, clients = append(service, pause), append(clients, each...)
	}
	s.printf("\nThe pause from the last success before the leader was killed to the first after, %d trials, %d clients:\n", f.trials, f.clients)
	s.printf("  any client:  median %s, longest %s\n", milliseconds(median(service)), milliseconds(maximum(service)))
	s.printf("  each client: median %s, longest %s\n", milliseconds(median(clients)), milliseconds(maximum(clients)))
	if f.medianLimit > 0 && median(clients) > f.medianLimit || f.worstLimit > 0 && maximum(clients) > f.worstLimit {
		s.printf("longer than the limits of %v and %v\n", f.medianLimit, f.worstLimit)
		return errFailed
	}
	return nil
}

// trial kills the leader under load and restarts it.
func (f *failover) trial(ctx context.Context, servers *cluster.Cluster) (time.Duration, []time.Duration, error) {
	successes := newSuccesses(f.clients)
	loadCtx, stop := context.WithCancel(ctx)
	var load sync.WaitGroup
	load.Go(func() { runLoad(loadCtx, servers.Address, f.clients, successes.cycle) })
	defer load.Wait()
	defer stop()

	if err := sleepUntil(ctx, time.Now().Add(f.before)); err != nil {
		return 0, nil, err
	}
	leader, err := servers.Leader(ctx)
	if err != nil {
		return 0, nil, err
	}
	killed := time.Now()
	leader.Kill()
	if err := sleepUntil(ctx, killed.Add(f.after)); err != nil {
		return 0, nil, err
	}
	stop()
	load.Wait()
	if err := leader.Start(); err != nil {
		return 0, nil, err
	}
	if err := servers.WaitReady(ctx); err != nil {
		return 0, nil, err
	}
	return successes.pauses(killed)
}

// successes remembers when each client succeeded last before and first after a kill.
type successes struct {
	mu    sync.Mutex
	times [][]time.Time
}

func newSuccesses(clients int) *successes { return &successes{times: make([][]time.Time, clients)} }

// cycle takes and releases a lock of the client's own.
func (s *successes) cycle(ctx context.Context, client int, c *loadClient) error {
	name := fmt.Sprintf("failover:%d", client)
	for _, command := range [][]string{{"SET", name, "me", "NX", "PX", "30000"}, {"DEL", name}} {
		if _, err := c.do(ctx, command...); err != nil {
			return err
		}
		s.mu.Lock()
		s.times[client] = append(s.times[client], time.Now())
		s.mu.Unlock()
	}
	return nil
}

// pauses returns the pause of the service and of each client: the longest time
// without a success that ended after the kill. An answer that was under way
// when the leader died therefore does not hide the pause behind it.
func (s *successes) pauses(killed time.Time) (time.Duration, []time.Duration, error) {
	var each []time.Duration
	var all []time.Time
	for client, times := range s.times {
		pause, err := longestPause(times, killed)
		if err != nil {
			return 0, nil, fmt.Errorf("client %d %w", client, err)
		}
		each = append(each, pause)
		all = append(all, times...)
	}
	slices.SortFunc(all, time.Time.Compare)
	service, err := longestPause(all, killed)
	return service, each, err
}

func longestPause(times []time.Time, killed time.Time) (time.Duration, error) {
	if len(times) == 0 || times[0].After(killed) {
		return 0, errors.New("had no success before the kill")
	}
	if times[len(times)-1].Before(killed) {
		return 0, errors.New("had no success after the kill")
	}
	var longest time.Duration
	for i, at := range times[1:] {
		if at.After(killed) {
			longest = max(longest, at.Sub(times[i]))
		}
	}
	return longest, nil
}
