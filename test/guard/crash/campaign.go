package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/guard/store"
)

// Campaign says what to do.
type Campaign struct {
	Group    *process.Group
	Program  string
	Endpoint string
	DSN      string
	Store    *store.Store
	Workers  int
	Locks    int
	TTL      time.Duration
	Duration time.Duration
	Every    time.Duration // one worker is killed
	Pauses   int           // after so many kills one more worker is stopped, for 1.5 TTL; 0 for never
	Progress io.Writer
}

// Report is what came of it.
type Report struct {
	Workers       int      `json:"workers"`
	Locks         int      `json:"locks"`
	TTLMS         int64    `json:"ttl_ms"`
	Seconds       float64  `json:"seconds"`
	Kills         int      `json:"kills"`
	Pauses        int      `json:"pauses"`
	Takeovers     int      `json:"takeovers"`
	P50MS         int64    `json:"takeover_p50_ms"`
	P99MS         int64    `json:"takeover_p99_ms"`
	MaxMS         int64    `json:"takeover_max_ms"`
	HalfDone      int      `json:"half_done_found_and_repaired"`
	Turns         int      `json:"turns"`
	Accepted      int      `json:"accepted"`
	StaleAccepted int      `json:"stale_accepted"`
	StaleRefused  int      `json:"stale_refused"`
	Unrepaired    int      `json:"pairs_left_half_done"`
	Faults        []string `json:"faults,omitempty"`
}

// campaign is one while it runs.
type campaign struct {
	Campaign
	mu        sync.Mutex
	lanes     []*lane
	report    Report
	takeovers []time.Duration
	started   int
	reading   sync.WaitGroup
}

// lane is one lock and its workers.
type lane struct {
	lock    string
	workers []*child
	gone    time.Time // when its holder was killed or stopped; zero when its successor has come
	repairs int       // how many half-done pairs were found
}

// patience bounds how long a worker may take until its turn comes.
const patience = 30 * time.Second

// Run runs a campaign.
func Run(ctx context.Context, plan Campaign) (Report, error) {
	c := &campaign{Campaign: plan, report: Report{Workers: plan.Workers, Locks: plan.Locks, TTLMS: plan.TTL.Milliseconds()}}
	for i := range plan.Locks {
		l := &lane{lock: fmt.Sprintf("crash/%d", i+1)}
		if err := plan.Store.AddLock(ctx, l.lock); err != nil {
			return c.report, err
		}
		c.lanes = append(c.lanes, l)
	}
	for i := range plan.Workers {
		if err := c.start(c.lanes[i%plan.Locks]); err != nil {
			return c.report, err
		}
	}
	begun := time.Now()
	err := c.strikes(ctx, begun)
	c.report.Seconds = time.Since(begun).Seconds()
	if err == nil {
		err = c.settle(ctx)
	}
	for _, l := range c.lanes {
		for _, worker := range l.workers {
			_ = worker.in.Close() // its end is waited for below
		}
	}
	c.reading.Wait()
	if err != nil {
		return c.report, err
	}
	return c.judge(ctx)
}

// strikes strikes one worker after the other, each on the next lock that has recovered.
func (c *campaign) strikes(ctx context.Context, begun time.Time) error {
	for strike := 0; ; strike++ {
		next := begun.Add(time.Duration(strike+1) * c.Every)
		if next.After(begun.Add(c.Duration)) {
			return nil
		}
		select {
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := c.strike(ctx, c.lanes[strike%len(c.lanes)], false); err != nil {
			return err
		}
		if c.Pauses > 0 && strike%c.Pauses == c.Pauses-1 {
			if err := c.strike(ctx, c.lanes[(strike+len(c.lanes)/2)%len(c.lanes)], true); err != nil {
				return err
			}
		}
		if strike%10 == 9 {
			c.mu.Lock()
			fmt.Fprintf(c.Progress, "  %3.0f s: %d killed, %d stopped, %d takeovers, %d half-done pairs repaired, %d late writes refused\n",
				time.Since(begun).Seconds(), c.report.Kills, c.report.Pauses, len(c.takeovers), c.report.HalfDone, c.report.StaleRefused)
			c.mu.Unlock()
		}
	}
}

// strike waits until a worker of the lock is between its two rows and kills it there, or stops it.
func (c *campaign) strike(ctx context.Context, target *lane, pause bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c.mu.Lock()
	victim := target.workers[0]
	target.workers = append(target.workers[1:], victim)
	c.mu.Unlock()
	if err := victim.tell("stop"); err != nil {
		return err
	}
	select {
	case <-victim.between:
	case <-ctx.Done():
		return fmt.Errorf("%s did not come between its two rows within %v; the end of its log:\n%s", victim.Name, patience, victim.LogTail(5))
	}
	c.mu.Lock()
	target.gone = time.Now()
	c.mu.Unlock()
	if pause {
		c.report.Pauses++
		return c.stop(target, victim)
	}
	victim.Kill()
	c.mu.Lock()
	c.report.Kills++
	target.workers = slices.DeleteFunc(target.workers, func(w *child) bool { return w == victim })
	c.mu.Unlock()
	return c.start(target)
}

// stop stops a worker for 1.5 TTL, or until its successor has written if that takes longer, and then lets it write its second row.
func (c *campaign) stop(target *lane, victim *child) error {
	c.mu.Lock()
	repairs := target.repairs
	c.mu.Unlock()
	// It must stand still before it may go on: stopped in the middle of its second transaction it would hold the row of the mark, and its successor would wait for the database.
	if err := victim.Suspend(); err != nil {
		return err
	}
	if err := victim.tell("go"); err != nil {
		return err
	}
	c.reading.Go(func() {
		for succeeded, begun := false, time.Now(); !succeeded && time.Since(begun) < patience || time.Since(begun) < c.TTL*3/2; {
			time.Sleep(10 * time.Millisecond)
			c.mu.Lock()
			succeeded = target.repairs > repairs
			c.mu.Unlock()
		}
		_ = victim.Resume() // it may have been ended meanwhile
	})
	return nil
}

// settle waits until the last successors have come and those that were stopped have been refused.
func (c *campaign) settle(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	for {
		c.mu.Lock()
		waiting := c.report.Pauses - c.report.StaleRefused
		for _, l := range c.lanes {
			if !l.gone.IsZero() {
				waiting++
			}
		}
		c.mu.Unlock()
		if waiting <= 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d locks were not taken over, or stopped workers not refused, within %v", waiting, patience)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// judge looks at what was written.
func (c *campaign) judge(ctx context.Context) (Report, error) {
	r := &c.report
	var err error
	if r.Accepted, r.StaleAccepted, err = c.Store.Judge(ctx, "crash/"); err != nil {
		return *r, err
	}
	for _, l := range c.lanes {
		first, second, err := c.Store.Pair(ctx, l.lock)
		if err != nil {
			return *r, err
		}
		if first != second {
			r.Unrepaired++
		}
	}
	slices.Sort(c.takeovers)
	r.Takeovers = len(c.takeovers)
	r.P50MS, r.P99MS, r.MaxMS = percentile(c.takeovers, 0.5), percentile(c.takeovers, 0.99), percentile(c.takeovers, 1)
	expect := func(holds bool, format string, args ...any) {
		if !holds {
			r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
		}
	}
	struck := r.Kills + r.Pauses
	expect(r.Kills > 0, "nobody was killed")
	expect(r.StaleAccepted == 0, "%d stale writes were accepted", r.StaleAccepted)
	expect(r.StaleRefused == r.Pauses, "%d workers were stopped and %d late writes refused", r.Pauses, r.StaleRefused)
	expect(r.Takeovers == struck, "%d workers were struck and %d locks taken over", struck, r.Takeovers)
	expect(r.HalfDone == struck, "%d pairs were left half done and %d found", struck, r.HalfDone)
	expect(r.Unrepaired == 0, "%d pairs are half done at the end", r.Unrepaired)
	limit := c.TTL + 2*time.Second
	expect(time.Duration(r.MaxMS)*time.Millisecond <= limit, "a takeover took %d ms; the TTL and two seconds are %v", r.MaxMS, limit)
	return *r, nil
}

// percentile is the smallest value that so large a part of the sorted values does not exceed, in milliseconds.
func percentile(sorted []time.Duration, part float64) int64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(part*float64(len(sorted))))-1)].Milliseconds()
}

var errUnread = errors.New("a worker said something that is no line of JSON")
