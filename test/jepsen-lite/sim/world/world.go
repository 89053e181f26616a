package world

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/transport"
)

// Report is what a seed came to.
type Report struct {
	Seed        uint64         `json:"seed"`
	Violations  []string       `json:"violations,omitempty"` // promises that were broken
	Undecided   []string       `json:"undecided,omitempty"`  // checks that came to no conclusion; such a seed has not passed
	Fingerprint string         `json:"fingerprint"`          // of everything that happened; the same in every run that took the same course
	Simulated   time.Duration  `json:"simulated_ns"`
	Nodes       int            `json:"nodes"`
	Counts      map[string]int `json:"counts"` // of what happened
}

// Valid reports that every check was made and none failed.
func (r *Report) Valid() bool { return len(r.Violations) == 0 && len(r.Undecided) == 0 }

// Options says how to play a seed.
type Options struct {
	// Dir is where the nodes' directories lie for the time of the play; empty means a temporary one.
	Dir string
	// Story receives a line for everything that happens, for reading; nil tells nobody.
	Story io.Writer
	// Nodes receives what the nodes log; nil drops it.
	Nodes *slog.Logger
	// Spoil may change the configuration of each node, to plant an error; nil changes nothing.
	Spoil func(*raftnode.Config)
	// Twice lets everything that is forwarded come twice until the cluster is healed.
	Twice bool
}

// moment is a point of a play: the order in which things happened, and true time since the beginning.
type moment struct {
	order int64
	at    time.Duration
}

// mayPrecede reports whether what came to be at m may have been seen at the other moment. A machine shows what an entry did before the record is told of the entry, and no time passes in between: whoever reads just
// then, on another thread, may note its answer first. So the order counts only between moments at different times.
func (m moment) mayPrecede(other moment) bool { return m.order <= other.order || m.at == other.at }

// world is one cluster with all that happens to it.
type world struct {
	t       testing.TB
	seed    uint64
	options Options
	setup   setup
	cluster *clustertest.Cluster
	record  *record
	history *history
	began   time.Time
	lasted  time.Duration
	order   atomic.Int64
	lives   [maxNodes]atomic.Pointer[life]
	ending  chan struct{} // closed when clients are to come to an end
	stalls  *stalls
	repeats repeats // of what nodes forward

	mu         sync.Mutex
	violations []string
	counts     map[string]int
	print      uint64
}

// maxViolations ends the list: after the first few the rest tells nothing.
const maxViolations = 10

// Play plays a seed in a bubble of its own and judges it.
func Play(t *testing.T, seed uint64, options Options) *Report {
	w := &world{t: t, seed: seed, options: options, setup: draw(seed), counts: make(map[string]int)}
	w.record, w.history, w.stalls = newRecord(w), newHistory(w), &stalls{armed: make(map[string][]time.Duration)}
	if options.Twice {
		w.repeats.begin()
	}
	if err := w.stalls.install(); err != nil {
		t.Fatal(err)
	}
	cryptotest.SetGlobalRandom(t, seed)
	chooseBySeed(seed + 1)
	w.inBubble(t)
	chooseBySeed(0)
	report := &Report{Seed: seed, Nodes: w.setup.nodes, Simulated: w.lasted, Counts: w.counts, Fingerprint: fmt.Sprintf("%016x", w.print)}
	w.judge(report)
	report.Violations = append(w.violations, report.Violations...)
	return report
}

// inBubble plays in a bubble, all of whose goroutines must come to an end.
func (w *world) inBubble(t *testing.T) {
	defer func() {
		if recover() != nil {
			w.judgeLeftovers()
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w.t = &witness{t, w}
		w.began, w.ending = time.Now(), make(chan struct{})
		w.play()
	})
}

// ofATransfer is in the stacks of the only two goroutines that Raft's main loop starts. They hand leadership over, and when the node stops to lead at the wrong moment they wait for each other for
// ever (raft#696). What that could do to the cluster has a guard; the goroutines have none.
const ofATransfer = "created by github.com/hashicorp/raft.(*Raft).leaderLoop"

// judgeLeftovers names the goroutines that did not come to an end.
func (w *world) judgeLeftovers() {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, stack := range strings.Split(string(stacks), "\n\n") {
		switch {
		case !strings.Contains(stack, "synctest bubble"):
		case strings.Contains(stack, ofATransfer):
			w.count("goroutines of a transfer that Raft does not end")
		default:
			w.violate(leftovers, "a goroutine was left over: %s", stack[:min(len(stack), 600)])
		}
	}
}

// play is the story of a seed.
func (w *world) play() {
	defer w.end()
	w.found()
	if w.setup.restored {
		w.restore()
	}
	clients := w.startClients()
	w.trouble()
	w.heal()
	w.awaitService()
	close(w.ending)
	w.within(time.Minute, "every client comes to an end", func() bool { return clients.over() })
	w.awaitEnds()
	w.awaitAgreement()
	w.lookAtCounters()
}

// end ends the cluster, and gives what is left of it the time after which every part gives up.
func (w *world) end() {
	w.lasted = time.Since(w.began)
	if w.cluster != nil {
		w.cluster.Stop()
	}
	time.Sleep(10 * time.Second)
}

// found starts the cluster.
func (w *world) found() {
	w.cluster = clustertest.Start(w.t, clustertest.Options{
		Nodes: w.setup.nodes, Patience: time.Minute, Dir: w.options.Dir, Log: w.options.Nodes, Configure: w.configure,
	})
	w.cluster.Network.SetChance(source(w.seed, streamNetwork))
	w.eachLink(func(from, to string) { w.cluster.Network.SetLink(from, to, w.setup.link) })
	w.tell("founded: %+v", w.setup)
}

// maxNodes is the most that a setup has.
const maxNodes = 5

// life is one run of a node, from its start to the moment at which its power fails. What it does while it is taken down after that has not happened.
type life struct{ over atomic.Bool }

// kill ends a node as a power failure would.
func (w *world) kill(place int) {
	w.lives[place].Load().over.Store(true)
	w.cluster.Kill(place)
}

func (w *world) configure(place int, config *raftnode.Config) {
	w.setup.configure(config)
	config.NodeID = fmt.Sprintf("node-%d", place)
	life := &life{}
	w.lives[place].Store(life)
	config.OnApplied = func(index, term uint64, entry []byte, applied fsm.Applied) {
		if !life.over.Load() {
			w.record.told(place, index, term, entry, applied)
		}
	}
	config.Network = &repeater{Network: config.Network, repeats: &w.repeats, count: w.count}
	if w.options.Spoil != nil {
		w.options.Spoil(config)
	}
}

// eachLink calls a function for every direction between two nodes.
func (w *world) eachLink(do func(from, to string)) {
	for from := range w.setup.nodes {
		for to := range w.setup.nodes {
			if from != to {
				do(host(from), host(to))
			}
		}
	}
}

func host(place int) string { return fmt.Sprintf("n%d", place) }

// now is this moment, after every one before it.
func (w *world) now() moment { return moment{w.order.Add(1), time.Since(w.began)} }

// elapsed is how long the play has lasted, or had when it ended.
func (w *world) elapsed() time.Duration {
	if w.lasted > 0 {
		return w.lasted
	}
	return time.Since(w.began)
}

// violate notes a broken promise, beginning with its rule.
func (w *world) violate(of rule, format string, arguments ...any) {
	sentence := string(of) + ": " + fmt.Sprintf(format, arguments...)
	w.tell("VIOLATION: %s", sentence)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.violations) < maxViolations {
		w.violations = append(w.violations, sentence)
	}
}

// count counts something that happened.
func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
}

// tell writes a line of the story.
func (w *world) tell(format string, arguments ...any) {
	if w.options.Story != nil {
		_, _ = fmt.Fprintf(w.options.Story, "%10.4f  %s\n", w.elapsed().Seconds(), fmt.Sprintf(format, arguments...))
	}
}

// fingerprint folds something that happened into the fingerprint of the play.
func (w *world) fingerprint(what string, numbers ...uint64) {
	buffer := append(make([]byte, 0, 128), what...)
	buffer = binary.LittleEndian.AppendUint64(buffer, uint64(time.Since(w.began)))
	for _, number := range numbers {
		buffer = binary.LittleEndian.AppendUint64(buffer, number)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	buffer = binary.LittleEndian.AppendUint64(buffer, w.print)
	w.print = xxhash.Sum64(buffer)
}

// within waits for a condition, and notes a violation when it does not come true in time.
func (w *world) within(limit time.Duration, what string, holds func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if holds() {
			return true
		}
		if time.Now().After(deadline) {
			w.violate(liveness, "not within %s after everything was healed: %s", limit, what)
			return false
		}
	}
}

// recovery is how long a healed cluster may take to serve again.
const recovery = 15 * time.Second

// status is that of a node, if it runs.
func (w *world) status(place int) (status transport.Status, runs bool) {
	node := w.cluster.Node(place)
	if node == nil {
		return status, false
	}
	return node.Status(), true
}

// awaitService waits until every node serves, and writes through each.
func (w *world) awaitService() {
	for place := range w.setup.nodes {
		w.within(recovery, fmt.Sprintf("node %d is ready", place), func() bool {
			status, runs := w.status(place)
			return runs && status.Ready
		})
		w.within(recovery, fmt.Sprintf("a write through node %d is answered", place), func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			node := w.cluster.Node(place)
			if node == nil {
				return false
			}
			replies, err := node.Execute(ctx, node.OpenLane(), []command.Op{command.Set{Name: command.Name{Key: "healed"}, Value: fmt.Appendf(nil, "node %d", place)}})
			return err == nil && !replies[0].IsError()
		})
	}
	w.tell("every node serves")
}

// awaitEnds waits until what the clients left behind has ended by its time.
func (w *world) awaitEnds() {
	w.within(2*w.setup.sessionTTL+recovery, "abandoned locks and waits end by themselves", func() bool {
		for place := range w.setup.nodes {
			if status, runs := w.status(place); !runs || status.Locks > 0 || status.Waiters > 0 {
				return false
			}
		}
		return true
	})
}

// awaitAgreement waits until every node has run what any of them has, and compares their states.
func (w *world) awaitAgreement() {
	target := w.record.newest()
	for place := range w.setup.nodes {
		w.within(recovery, fmt.Sprintf("node %d runs index %d", place, target), func() bool {
			status, runs := w.status(place)
			return runs && status.AppliedIndex >= target
		})
		status, _ := w.status(place)
		if chain, ok := w.record.chainAt(status.AppliedIndex); ok && fmt.Sprintf("%016x", chain) != status.StateHash {
			w.violate(agreement, "the state of node %d at index %d has hash %s instead of %016x", place, status.AppliedIndex, status.StateHash, chain)
		}
	}
}

// witness turns what a test would fail with into a violation.
type witness struct {
	testing.TB
	world *world
}

// Fatal ends the play.
func (t *witness) Fatal(arguments ...any) { t.Fatalf("%s", fmt.Sprint(arguments...)) }

// Fatalf ends the play.
func (t *witness) Fatalf(format string, arguments ...any) {
	t.world.violate(liveness, "the play could not go on: "+format, arguments...)
	t.SkipNow() // which, unlike FailNow, lets the one who plays go on and report
}
