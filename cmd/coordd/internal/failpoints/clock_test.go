//go:build failpoints

package failpoints

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestABentClockNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &follower{}
		f.orders.Store(&Orders{})
		c := newClock(f)
		expect := func(want time.Duration) {
			t.Helper()
			if got := c.Monotonic(); got != want {
				t.Errorf("the clock says %v, want %v", got, want)
			}
		}
		time.Sleep(10 * time.Second)
		expect(10 * time.Second)
		c.follow(Orders{Rate: 0.5, WallOffsetMs: -3600_000})
		expect(10 * time.Second)
		time.Sleep(10 * time.Second)
		expect(15 * time.Second)
		if off := time.Until(c.Wall()); off != -time.Hour {
			t.Errorf("the wall clock is %v off", off)
		}
		c.follow(Orders{Rate: 2})
		expect(15 * time.Second)
		time.Sleep(time.Second)
		expect(17 * time.Second)
		c.follow(Orders{})
		time.Sleep(time.Second)
		expect(18 * time.Second)
	})
}
