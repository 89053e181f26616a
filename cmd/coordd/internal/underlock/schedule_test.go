package underlock

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestScheduleEndsInTime(t *testing.T) {
	term := Schedule{OnLost: Term, Grace: 2 * time.Second, Settle: 500 * time.Millisecond}
	kill := Schedule{OnLost: Kill, Grace: 2 * time.Second, Settle: 500 * time.Millisecond}
	cases := []struct {
		schedule Schedule
		left     time.Duration
		urgency  urgency
		next     time.Duration
	}{
		{term, 8 * time.Second, calm, maxBlink},
		{term, 2600 * time.Millisecond, calm, 100 * time.Millisecond},
		{term, 2500 * time.Millisecond, ask, maxBlink},
		{term, 501 * time.Millisecond, ask, time.Millisecond},
		{term, 500 * time.Millisecond, force, maxBlink},
		{term, 0, force, maxBlink},
		{term, -time.Hour, force, maxBlink},
		{kill, 2500 * time.Millisecond, calm, maxBlink},
		{kill, 501 * time.Millisecond, calm, time.Millisecond},
		{kill, 500 * time.Millisecond, force, maxBlink},
		{Schedule{OnLost: Ignore, Settle: time.Second}, 0, calm, maxBlink},
	}
	for _, c := range cases {
		if urgency, next := c.schedule.judge(c.left); urgency != c.urgency || next != c.next {
			t.Errorf("%s with %v left: %v, look again in %v; want %v, %v", c.schedule.OnLost, c.left, urgency, next, c.urgency, c.next)
		}
	}
}

// Whoever looks when judge says asks in time for the whole grace, and kills in time for the whole settling, whenever the lock was renewed last.
func TestLooksNeverComeLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ttl := time.Duration(rapid.IntRange(1000, 60_000).Draw(t, "ttl_ms")) * time.Millisecond
		s := NewSchedule(rapid.SampledFrom([]OnLost{Term, Kill}).Draw(t, "on lost"), ttl, -1)
		if s.Grace+s.Settle > ttl/3 {
			t.Fatalf("ending takes %v of a TTL of %v", s.Grace+s.Settle, ttl)
		}
		start := time.Duration(rapid.Int64Range(0, int64(ttl)).Draw(t, "left"))
		left := start
		before := calm
		for {
			urgency, next := s.judge(left)
			if urgency == ask && before == calm && left != s.Settle+s.Grace && left != start {
				t.Fatalf("asked with %v left, the grace is %v", left, s.Grace)
			}
			before = urgency
			if urgency == force {
				return
			}
			if next <= 0 {
				t.Fatalf("no progress with %v left", left)
			}
			if left-next < s.Settle {
				t.Fatalf("the look after the one with %v left comes with %v left, when it is too late to kill", left, left-next)
			}
			left -= next
		}
	})
}
