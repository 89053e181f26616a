package bent

import (
	"sync"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// Orders are how a clock goes from the moment on at which it is told them.
type Orders struct {
	// Rate is how fast it goes; 0 means 1.
	Rate float64 `json:"rate,omitempty"`
	// Jump is by how much it goes forward at once, as the clock of a machine does that was suspended. The timers of the process do not.
	Jump time.Duration `json:"jump_ns,omitempty"`
	// Broken says that it is not within the bounds in which holders are promised anything.
	Broken bool `json:"broken,omitempty"`
}

// Clock counts as CLOCK_BOOTTIME does, which nobody sets: it never goes back, whatever the orders. A nil one is true. Its methods may be called from many goroutines.
type Clock struct {
	now  func() int64  // true time
	live time.Duration // for how long what was reckoned with a broken clock may be believed

	mu      sync.Mutex
	orders  Orders
	since   int64         // true time at which the orders came
	reached time.Duration // the clock at that moment
	mended  int64         // true time from which nothing is believed any more that was reckoned while it was broken
}

// New begins at an instant of its own, since nobody may compare the clocks of two processes. live is the longest time that a deadline lies ahead.
func New(begin, live time.Duration) *Clock { return newClock(history.Now, begin, live) }

func newClock(now func() int64, begin, live time.Duration) *Clock {
	return &Clock{now: now, live: live, since: now(), reached: begin, orders: Orders{Rate: 1}}
}

// Now reads the clock. It is what client.Options wants.
func (c *Clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(c.now())
}

func (c *Clock) read(now int64) time.Duration {
	return c.reached + time.Duration(float64(now-c.since)*c.orders.Rate)
}

// Follow bends it, from now on.
func (c *Clock) Follow(orders Orders) {
	if orders.Rate <= 0 {
		orders.Rate = 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.reached = c.read(now) + max(0, orders.Jump)
	c.since = now
	if c.orders.Broken {
		// A deadline of that time may lie as far ahead as deadlines do, on a clock that goes at its new rate.
		c.mended = now + int64(float64(c.live)/orders.Rate)
	}
	c.orders = orders
}

// Until turns what the clock says is left into the true instant at which nothing is left, if the clock goes on as it does. While the clock is broken, and as long as anything may be believed
// that was reckoned then, the instant is doubtful: the holder believes it, and nothing is promised about it.
func (c *Clock) Until(now int64, left time.Duration) (until int64, doubtful bool) {
	if c == nil {
		return now + int64(left), false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return now + int64(float64(left)/c.orders.Rate), c.orders.Broken || now < c.mended
}
