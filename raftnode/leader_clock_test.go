package raftnode

import (
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// bentClock is a leader clock on hand-moved time.
type bentClock struct {
	monotonic time.Duration
	applied   command.Instant
	*leaderClock
}

func newBentClock(applied command.Instant) *bentClock {
	b := &bentClock{applied: applied, monotonic: time.Hour}
	b.leaderClock = newLeaderClock(func() time.Duration { return b.monotonic }, func() command.Instant { return b.applied })
	return b
}

func TestS09_ATermsClockBeginsAtTheAppliedInstant(t *testing.T) {
	c := newBentClock(42_000)
	if now := c.now(); now != 42_000 {
		t.Fatalf("it begins at %d", now)
	}
	c.monotonic += 120 * time.Millisecond
	if now := c.now(); now != 42_120 {
		t.Fatalf("after 120 ms it tells %d", now)
	}
}

func TestS13_TimeInWhichNothingCommittedIsDroppedForEver(t *testing.T) {
	c := newBentClock(1000)
	c.monotonic += 10 * time.Second // the leader was stopped, or its disk was
	if now := c.now(); now != 1500 {
		t.Fatalf("it runs %d ms ahead of the applied instant", now-1000)
	}
	if c.droppedSince() != 9500*time.Millisecond {
		t.Fatalf("it dropped %s", c.droppedSince())
	}
	c.applied = 1500 // the entry is applied; nothing of the surplus comes back
	for range 20 {
		c.monotonic += 10 * time.Millisecond
		c.applied = c.now()
	}
	if now := c.now(); now != 1700 {
		t.Fatalf("200 ms later it tells %d: the surplus was caught up", now)
	}
}

func TestLeaderClockNeverGoesBack(t *testing.T) {
	c := newBentClock(0)
	last := command.Instant(0)
	for step := range 100 {
		c.monotonic += time.Duration(step*7%40) * time.Millisecond
		if step%9 == 0 {
			c.applied = last
		}
		if now := c.now(); now < last || now > c.applied+500 {
			t.Fatalf("step %d: %d after %d, with %d applied", step, now, last, c.applied)
		} else {
			last = now
		}
	}
}

func TestS27_OneWrongClockMovesNothing(t *testing.T) {
	wrong := 3 * time.Hour
	for _, values := range [][]time.Duration{{0, time.Millisecond, wrong}, {-wrong, 0, time.Millisecond}, {0, 1, 2, wrong, -wrong}} {
		if got := median(values); got.Abs() > time.Second {
			t.Errorf("the median of %v is %s", values, got)
		}
	}
}

func TestS30_ALeaderTicksWhileTheStateHoldsADeadline(t *testing.T) {
	cases := []struct {
		name   string
		duties duties
		want   errand
		wait   time.Duration
	}{
		{"no deadline: nothing, for ever", duties{sinceStamp: time.Hour}, nothing, 0},
		{"a far deadline, stamped just now", duties{now: 1000, hasDeadline: true, deadline: 90_000}, nothing, 250 * time.Millisecond},
		{"a far deadline, nothing stamped for 250 ms", duties{now: 1000, hasDeadline: true, deadline: 90_000, sinceStamp: 250 * time.Millisecond}, tick, 0},
		{"a deadline before the next tick", duties{now: 1000, hasDeadline: true, deadline: 1040}, nothing, 40 * time.Millisecond},
		{"a deadline that has come", duties{now: 1000, hasDeadline: true, deadline: 1000}, expire, 0},
		{"it is being ended already", duties{now: 1000, hasDeadline: true, deadline: 1000, expiring: true}, nothing, 250 * time.Millisecond},
		{"pending grants", duties{now: 1000, hasWork: true}, expire, 0},
		{"Unix time lags", duties{now: 1000, corrects: true}, tick, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, wait := c.duties.due(); got != c.want || wait != c.wait {
				t.Errorf("errand %d in %s, want %d in %s", got, wait, c.want, c.wait)
			}
		})
	}
}
