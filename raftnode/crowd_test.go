package raftnode

import (
	"testing"
	"time"
)

func TestACrowdIsWaitedForAndALoneCommandIsNot(t *testing.T) {
	const ms = time.Millisecond
	var none crowd
	if wait := none.patience(5*ms, 1); wait != 0 {
		t.Errorf("the first command of all waits %s", wait)
	}
	few, many, slow := crowd{}, crowd{}, crowd{}
	few.landed(10*ms, 9*ms, crowdAbove-1)
	many.landed(10*ms, 9*ms, 64)
	slow.landed(100*ms, 10*ms, 64)
	for _, c := range []struct {
		name    string
		crowd   crowd
		now     time.Duration
		waiting int
		want    time.Duration
	}{
		{"few never wait", few, 10 * ms, 1, 0},
		{"many are waited for, for as long as their entry took", many, 10 * ms, 3, ms},
		{"and the time counts from the last entry's return", many, 10*ms + 400*time.Microsecond, 20, 600 * time.Microsecond},
		{"not any longer", many, 12 * ms, 3, 0},
		{"most are enough", many, 10 * ms, 56, 0},
		{"nor longer than the limit, whatever the entry took", slow, 100 * ms, 3, crowdMost},
	} {
		if got := c.crowd.patience(c.now, c.waiting); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestACrowdThatWentAwayIsForgotten(t *testing.T) {
	c := crowd{}
	now := time.Duration(0)
	c.landed(now, 0, 256)
	entries := 0
	for ; c.patience(now, 2) > 0 || c.size >= crowdAbove; entries++ {
		if entries > 5*crowdKeeps {
			t.Fatalf("after %d entries of two commands, %f are expected", entries, c.size)
		}
		now += 2 * time.Millisecond
		c.landed(now, now-time.Millisecond, 2)
	}
	if entries < 2 {
		t.Errorf("forgotten after %d entries: a pause of most would cost the others", entries)
	}
}
