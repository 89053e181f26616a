package run

import (
	"context"
	"sync"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// poller asks the nodes again and again how they stand, and watches the machine itself.
type poller struct {
	cluster *cluster.Cluster
	writer  *history.Writer

	mu     sync.Mutex
	said   []check.Said
	seen   map[check.Said]bool // without their instants
	leader string
	term   uint64
	lag    time.Duration // the longest time in which the poller could not run
}

const (
	statusInterval = 100 * time.Millisecond
	// mostSaid bounds what is remembered in long runs.
	mostSaid = 1 << 20
)

func newPoller(c *cluster.Cluster, writer *history.Writer) *poller {
	return &poller{cluster: c, writer: writer, seen: map[check.Said]bool{}}
}

// run polls until ctx ends. Each node is asked by a goroutine of its own, since one that hangs must not hold the others up.
func (p *poller) run(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	for _, node := range p.cluster.Nodes() {
		asking.Go(func() {
			for cluster.Pause(ctx, statusInterval) == nil {
				if status, err := node.Status(ctx); err == nil {
					p.take(node.Name, status)
				}
			}
		})
	}
	last := time.Now()
	for cluster.Pause(ctx, 50*time.Millisecond) == nil {
		now := time.Now()
		p.mu.Lock()
		p.lag = max(p.lag, now.Sub(last)-50*time.Millisecond)
		p.mu.Unlock()
		last = now
	}
}

func (p *poller) take(name string, status cluster.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	said := check.Said{Node: name, Index: status.AppliedIndex, Hash: status.StateHash}
	if status.AppliedIndex > 0 && !p.seen[said] && len(p.said) < mostSaid {
		p.seen[said] = true
		said.At = history.Now()
		p.said = append(p.said, said)
	}
	if status.Role == "leader" && status.Term > p.term { // one that was deposed and does not know says so of an old term
		p.leader, p.term = name, status.Term
		_ = p.writer.Write(history.Event{Type: history.Note, Process: check.Poller, Op: check.OpLeads, Value: name, Token: int64(status.Term)}) // without it nobody is granted more time for a new leader
	}
}

// resetLag forgets how the machine was so far, and tells it.
func (p *poller) resetLag() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	lag := p.lag
	p.lag = 0
	return lag
}

func (p *poller) all() []check.Said {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said
}

// agree waits until two nodes or more were seen at one index, all of those that run, so that their states were compared at the very end.
func (p *poller) agree(ctx context.Context) {
	var names []string
	for _, node := range p.cluster.Nodes() {
		if node.Running() {
			names = append(names, node.Name)
		}
	}
	begin := len(p.all())
	for cluster.Pause(ctx, statusInterval) == nil {
		at := map[uint64]map[string]bool{}
		for _, said := range p.all()[begin:] {
			if at[said.Index] == nil {
				at[said.Index] = map[string]bool{}
			}
			at[said.Index][said.Node] = true
			if len(at[said.Index]) == len(names) {
				return
			}
		}
	}
}
