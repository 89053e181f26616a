package pools

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

// shownWorker is a worker as a node's status shows it by its gossip.
type shownWorker struct {
	Session string `json:"session"`
	State   string `json:"state"`
}

// falseDeaths notes which sessions of workers gossip showed as dead, and as alive afterwards: their workers had lived all the time, since a process that starts again has another session. So it
// is known that somebody's lies were heard.
type falseDeaths struct {
	mu    sync.Mutex
	dead  map[string]bool // sessions that are shown as dead now
	count int
}

// see takes what gossip shows to a node.
func (f *falseDeaths) see(workers []shownWorker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead == nil {
		f.dead = map[string]bool{}
	}
	for _, worker := range workers {
		switch {
		case worker.Session == "": // it serves under none, so nothing is told of its life
		case worker.State == "dead":
			f.dead[worker.Session] = true
		case worker.State == "alive" && f.dead[worker.Session]:
			delete(f.dead, worker.Session)
			f.count++
		}
	}
}

func (f *falseDeaths) seen() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

const lookInterval = 200 * time.Millisecond

// watchLies looks at the gossip until the context ends. A node that does not answer shows nothing.
func (c *campaign) watchLies(ctx context.Context) {
	for cluster.Pause(ctx, lookInterval) == nil {
		asking, cancel := context.WithTimeout(ctx, time.Second)
		reply, err := c.admin.Do(asking, "COORDD.STATUS")
		cancel()
		var status struct {
			Workers []shownWorker `json:"workers"`
		}
		if err == nil && json.Unmarshal(reply.Text, &status) == nil {
			c.lies.see(status.Workers)
		}
	}
}
