//go:build failpoints

package failpoints

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/store"
)

// Variable names the file with the orders.
const Variable = "COORDD_FAILPOINTS"

// Orders are what the file says. The zero Orders bend nothing.
type Orders struct {
	// WallOffsetMs is added to the wall clock.
	WallOffsetMs int64 `json:"wall_offset_ms"`
	// Rate is how fast the monotonic clock goes; 0 means 1. It counts from when the order came.
	Rate float64 `json:"rate"`
	// Crash names the point at which the process kills itself when it next comes there; empty for none.
	Crash string `json:"crash"`
}

// Points are the names that Orders.Crash may have.
var Points = []string{"before-store", "after-store", "before-vote", "after-vote", "before-snapshot", "after-snapshot", "mid-apply"}

const pollInterval = 5 * time.Millisecond

// Install lets a node follow the orders of the file that the environment names; without one it changes nothing.
func Install(config *raftnode.Config) error {
	path := os.Getenv(Variable)
	if path == "" {
		return nil
	}
	follower := &follower{path: path}
	if err := follower.read(); err != nil {
		return err
	}
	clock := newClock(follower)
	config.Clock = clock
	open := config.OpenStores
	if open == nil {
		open = store.Open
	}
	config.OpenStores = func(options store.Options) (*store.Stores, error) {
		stores, err := open(options)
		if err == nil {
			follower.guard(stores)
		}
		return stores, err
	}
	config.AroundMachine = follower.around
	go func() {
		for range time.Tick(pollInterval) {
			if err := follower.read(); err != nil {
				fmt.Fprintln(os.Stderr, "failpoints:", err)
			}
			clock.follow(*follower.orders.Load())
		}
	}()
	return nil
}

// follower keeps the latest orders.
type follower struct {
	path   string
	orders atomic.Pointer[Orders]
}

func (f *follower) read() error {
	orders := Orders{}
	text, err := os.ReadFile(f.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &orders); err != nil {
			return fmt.Errorf("the orders in %s: %w", f.path, err)
		}
	}
	f.orders.Store(&orders)
	return nil
}
