package bent

import (
	"testing"
	"time"
)

func TestAClockGoesAsItIsToldAndNeverBack(t *testing.T) {
	now := int64(1_000_000)
	clock := newClock(func() int64 { return now }, time.Hour, 2*time.Second)
	expect := func(want time.Duration) {
		t.Helper()
		if got := clock.Now() - time.Hour; got != want {
			t.Errorf("the clock has gone on by %v, want %v", got, want)
		}
	}
	pass := func(span time.Duration) { now += int64(span) }
	pass(10 * time.Second)
	expect(10 * time.Second)
	clock.Follow(Orders{Rate: 0.5})
	expect(10 * time.Second)
	pass(10 * time.Second)
	expect(15 * time.Second)
	clock.Follow(Orders{Jump: time.Minute})
	expect(75 * time.Second)
	pass(time.Second)
	expect(76 * time.Second)
	clock.Follow(Orders{Jump: -time.Hour, Rate: 2})
	expect(76 * time.Second)
	pass(time.Second)
	expect(78 * time.Second)
}

func TestWhatIsLeftIsToldInTrueTime(t *testing.T) {
	now := int64(0)
	clock := newClock(func() int64 { return now }, 0, 2*time.Second)
	expect := func(what string, want time.Duration, wantDoubt bool) {
		t.Helper()
		if until, doubtful := clock.Until(now, time.Second); time.Duration(until-now) != want || doubtful != wantDoubt {
			t.Errorf("%s: a second of the clock is over in %v (doubtful: %v), want %v (%v)", what, time.Duration(until-now), doubtful, want, wantDoubt)
		}
	}
	expect("true", time.Second, false)
	clock.Follow(Orders{Rate: 0.8})
	expect("slow", 1250*time.Millisecond, false)
	clock.Follow(Orders{Rate: 0.25, Broken: true})
	expect("broken", 4*time.Second, true)
	now += int64(time.Minute)
	clock.Follow(Orders{})
	expect("just mended", time.Second, true)
	now += int64(1999 * time.Millisecond)
	expect("while an old deadline may be believed", time.Second, true)
	now += int64(time.Millisecond)
	expect("when all deadlines of that time are over", time.Second, false)
	if until, doubtful := (*Clock)(nil).Until(7, time.Second); until != 7+int64(time.Second) || doubtful {
		t.Errorf("no clock says %d, %v", until, doubtful)
	}
}
