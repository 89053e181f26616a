package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/peer/memnet"
)

// fault is one kind of trouble. inject begins it, and answers how it ends and after how long; it answers nil when it can do nothing now.
type fault struct {
	name    string
	row     int    // of the fault matrix
	nemesis string // what the harness with real processes calls the like; empty: it has none
	inject  func(*troublemaker) (heal func(), lasting time.Duration)
}

// control is what a seed without trouble counts.
const control = "nothing goes wrong"

// Kind is one kind of fault, for tables.
type Kind struct {
	Name    string
	Row     int    // of the fault matrix
	Nemesis string // of the harness with real processes; empty: it has none that is alike
}

// Kinds are all kinds of faults, by their rows. Snapshots after a few entries, row 27, and several faults at once, row 32, belong to every play.
func Kinds() []Kind {
	kinds := []Kind{{control, 1, "none"}}
	for _, one := range faults {
		kinds = append(kinds, Kind{one.name, one.row, one.nemesis})
	}
	slices.SortStableFunc(kinds, func(a, b Kind) int { return a.Row - b.Row })
	return kinds
}

// faults is the table of trouble. Places in it are drawn by setup.
var faults = []fault{
	{"isolate a node", 2, "isolate-one", func(m *troublemaker) (func(), time.Duration) { return m.split([]int{m.any()}, both), m.long() }},
	{"isolate the leader", 3, "isolate-leader", func(m *troublemaker) (func(), time.Duration) { return m.split([]int{m.leader()}, both), m.long() }},
	{"nobody hears the leader", 6, "one-way-out", func(m *troublemaker) (func(), time.Duration) { return m.split([]int{m.leader()}, outward), m.long() }},
	{"the leader hears nobody", 6, "one-way-in", func(m *troublemaker) (func(), time.Duration) { return m.split([]int{m.leader()}, inward), m.long() }},
	{"nobody hears a node", 6, "one-way-out", func(m *troublemaker) (func(), time.Duration) { return m.split([]int{m.any()}, outward), m.long() }},
	{"two halves", 4, "halves", func(m *troublemaker) (func(), time.Duration) {
		return m.split(m.some(m.world.setup.nodes/2), both), m.long()
	}},
	{"a bridge", 5, "bridge", (*troublemaker).bridge},
	{"a ring of majorities", 5, "majorities-ring", (*troublemaker).ring},
	{"one link", 6, "", func(m *troublemaker) (func(), time.Duration) { return m.cut(m.any(), m.any()), m.long() }},
	{"a flapping link", 9, "flapping", (*troublemaker).flap},
	{"connections reset", 11, "resets", (*troublemaker).reset},
	{"connections half reset", 11, "resets", (*troublemaker).abort},
	{"slow links", 10, "delay", func(m *troublemaker) (func(), time.Duration) { return m.links(m.slow()), m.long() }},
	{"forwarded requests come twice", 10, "", (*troublemaker).repeat},
	{"lossy links", 11, "loss", func(m *troublemaker) (func(), time.Duration) { return m.links(m.lossy()), m.long() }},
	{"kill a node", 23, "power-loss", func(m *troublemaker) (func(), time.Duration) { return m.kill(m.any()), m.long() }},
	{"kill the leader", 23, "power-loss", func(m *troublemaker) (func(), time.Duration) { return m.kill(m.leader()), m.long() }},
	{"kill a majority", 23, "", func(m *troublemaker) (func(), time.Duration) {
		return m.kill(m.some(m.world.setup.nodes/2 + 1)...), m.short()
	}},
	{"kill every node", 23, "power-loss-all", func(m *troublemaker) (func(), time.Duration) {
		return m.kill(m.some(m.world.setup.nodes)...), m.short()
	}},
	{"power fails between two writes", 17, "crash-point", (*troublemaker).failAtWrite},
	{"power fails on the way to a majority", 23, "power-loss-majority", (*troublemaker).partKill},
	{"stop a node", 26, "", (*troublemaker).stop},
	{"slow disk", 21, "disk-slow", func(m *troublemaker) (func(), time.Duration) {
		return m.disks(between(m.chance, time.Millisecond, 250*time.Millisecond), m.any()), m.long()
	}},
	{"slow disks", 21, "disk-slow", func(m *troublemaker) (func(), time.Duration) {
		return m.disks(between(m.chance, time.Millisecond, 60*time.Millisecond), m.some(m.world.setup.nodes)...), m.long()
	}},
	{"a disk hangs", 21, "disk-stuck", func(m *troublemaker) (func(), time.Duration) { return m.disks(20*time.Second, m.any()), m.long() }},
	{"the leader's disk hangs", 21, "disk-stuck", func(m *troublemaker) (func(), time.Duration) { return m.disks(20*time.Second, m.leader()), m.long() }},
	{"the leader is paused", 14, "pause-leader", (*troublemaker).pauseLeader},
	{"leadership is handed over", 28, "transfer", (*troublemaker).transfer},
	{"entries are handed to raft late", 14, "pause-leader", (*troublemaker).lateEntries},
	{"new leaders stand still", 16, "pause-stale-ack", (*troublemaker).lateReigns},
	{"clocks run at other rates", 18, "clock-rate", (*troublemaker).rates},
	{"wall clocks are stepped", 18, "clock-wall", (*troublemaker).walls},
}

// troublemaker injects faults and heals them.
type troublemaker struct {
	world  *world
	chance *rand.Rand

	mu      sync.Mutex
	cuts    map[[2]int]int // how many faults hold a direction cut
	down    map[int]bool
	healing sync.WaitGroup
}

// trouble injects faults for as long as the setup says, and waits until the last one is healed.
func (w *world) trouble() {
	m := &troublemaker{world: w, chance: source(w.seed, streamFaults), cuts: make(map[[2]int]int), down: make(map[int]bool)}
	free := make(chan struct{}, w.setup.faultsAtOnce)
	watching, stopWatching := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { m.supervise(watching) })
	if w.setup.quiet {
		w.count("fault: " + control)
		time.Sleep(w.setup.trouble)
	}
	for w.now().at < w.setup.trouble {
		time.Sleep(between(m.chance, w.setup.faultEvery/4, 2*w.setup.faultEvery))
		chosen := m.choose()
		heal, lasting := chosen.inject(m)
		if heal == nil {
			continue
		}
		w.count("fault: " + chosen.name)
		w.tell("fault: %s, for %s", chosen.name, lasting)
		free <- struct{}{}
		m.healing.Go(func() {
			time.Sleep(lasting)
			heal()
			w.tell("healed: %s", chosen.name)
			<-free
		})
	}
	m.healing.Wait()
	stopWatching()
	watch.Wait()
	m.restartFailed()
}

// choose draws a fault: every second one from the favourites of the seed, if it has any.
func (m *troublemaker) choose() fault {
	if favourites := m.world.setup.favourites; len(favourites) > 0 && m.chance.IntN(2) == 0 {
		return faults[favourites[m.chance.IntN(len(favourites))]]
	}
	return faults[m.chance.IntN(len(faults))]
}

func (m *troublemaker) long() time.Duration {
	return between(m.chance, 50*time.Millisecond, 3*time.Second)
}
func (m *troublemaker) short() time.Duration { return between(m.chance, 0, 700*time.Millisecond) }

// any is the place of some node, running or not.
func (m *troublemaker) any() int { return m.chance.IntN(m.world.setup.nodes) }

// some are so many different places.
func (m *troublemaker) some(count int) []int { return m.chance.Perm(m.world.setup.nodes)[:count] }

// leader is the place of the leader, or of some node when there is none.
func (m *troublemaker) leader() int {
	somebody := m.any()
	if leader := m.world.cluster.Leader(); leader >= 0 {
		return leader
	}
	return somebody
}

// direction says which way a split cuts.
type direction uint8

const (
	outward direction = 1 // what the separated send
	inward  direction = 2 // what they would hear
	both              = outward | inward
)

// split separates some nodes from the others.
func (m *troublemaker) split(separated []int, ways direction) func() {
	var heals []func()
	for inside := range m.world.setup.nodes {
		for outside := range m.world.setup.nodes {
			if !slices.Contains(separated, inside) || slices.Contains(separated, outside) {
				continue
			}
			if ways&outward != 0 {
				heals = append(heals, m.cut(inside, outside))
			}
			if ways&inward != 0 {
				heals = append(heals, m.cut(outside, inside))
			}
		}
	}
	return all(heals)
}

// cut cuts one direction between two nodes. It is open again when everybody who cut it has healed it.
func (m *troublemaker) cut(from, to int) func() {
	if from == to {
		return func() {}
	}
	m.changeCut(from, to, 1)
	return func() { m.changeCut(from, to, -1) }
}

func (m *troublemaker) changeCut(from, to, by int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]int{from, to}
	m.cuts[key] += by
	switch {
	case by > 0 && m.cuts[key] == 1:
		m.world.cluster.Network.Cut(host(from), host(to))
	case by < 0 && m.cuts[key] == 0:
		m.world.cluster.Network.Heal(host(from), host(to))
	}
}

func all(heals []func()) func() {
	return func() {
		for _, heal := range heals {
			heal()
		}
	}
}

// bridge leaves one node that reaches both halves of the others, which do not reach each other.
func (m *troublemaker) bridge() (func(), time.Duration) {
	places := m.some(m.world.setup.nodes)
	half := len(places) / 2
	var heals []func()
	for _, left := range places[:half] {
		for _, right := range places[half+1:] {
			heals = append(heals, m.cut(left, right), m.cut(right, left))
		}
	}
	return all(heals), m.long()
}

// ring lets every node see a majority, and no two the same one. With three nodes it is a bridge.
func (m *troublemaker) ring() (func(), time.Duration) {
	if m.world.setup.nodes < 5 {
		return m.bridge()
	}
	places := m.some(m.world.setup.nodes)
	var heals []func()
	for i, from := range places {
		for _, distance := range []int{2, 3} {
			heals = append(heals, m.cut(from, places[(i+distance)%len(places)]))
		}
	}
	return all(heals), m.long()
}

// flap cuts and heals the links of the leader again and again, about as fast as elections take.
func (m *troublemaker) flap() (func(), time.Duration) {
	leader, lasting := m.leader(), m.long()
	pause := between(m.chance, 30*time.Millisecond, 2*m.world.setup.raftTimeout)
	ended := make(chan struct{})
	m.healing.Go(func() {
		for {
			heal := m.split([]int{leader}, both)
			time.Sleep(pause)
			heal()
			select {
			case <-ended:
				return
			case <-time.After(pause):
			}
		}
	})
	return func() { close(ended) }, lasting
}

func (m *troublemaker) reset() (func(), time.Duration) {
	leader := m.leader()
	for place := range m.world.setup.nodes {
		if place != leader {
			m.world.cluster.Network.Drop(host(leader), host(place))
		}
	}
	return func() {}, 0
}

// abort lets requests that a node has given up arrive late: its connections are reset at its end only, while the way there is cut for a time.
func (m *troublemaker) abort() (func(), time.Duration) {
	leader := m.leader()
	var heals []func()
	for place := range m.world.setup.nodes {
		if place != leader {
			heals = append(heals, m.cut(place, leader))
		}
	}
	wait := between(m.chance, time.Millisecond, 50*time.Millisecond)
	m.healing.Go(func() {
		time.Sleep(wait)
		for place := range m.world.setup.nodes {
			if place != leader {
				m.world.cluster.Network.Abort(host(place), host(leader))
			}
		}
	})
	return all(heals), wait + m.long()
}

// links gives every link another behaviour for a time.
func (m *troublemaker) links(behaviour memnet.Link) func() {
	set := func(link memnet.Link) {
		m.world.eachLink(func(from, to string) { m.world.cluster.Network.SetLink(from, to, link) })
	}
	set(behaviour)
	return func() { set(m.world.setup.link) }
}

func (m *troublemaker) slow() memnet.Link {
	return memnet.Link{Delay: between(m.chance, time.Millisecond, 120*time.Millisecond), Jitter: between(m.chance, time.Millisecond, 200*time.Millisecond)}
}

func (m *troublemaker) lossy() memnet.Link {
	return memnet.Link{Delay: time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.02 + 0.3*m.chance.Float64(), Retransmit: 200 * time.Millisecond}
}

// kill ends nodes as a power failure would; healing starts them again.
func (m *troublemaker) kill(places ...int) func() {
	var killed []int
	for _, place := range places {
		if m.goDown(place) {
			killed = append(killed, place)
		}
	}
	if len(killed) == 0 {
		return nil
	}
	var ending sync.WaitGroup
	for _, place := range killed {
		ending.Go(func() { m.world.kill(place) })
	}
	return func() {
		ending.Wait()
		for _, place := range killed {
			m.comeUp(place)
		}
	}
}

// failAtWrite lets the power of a node fail after a few more writes to its disk: between the two of a vote, for example, or between an entry and its answer.
func (m *troublemaker) failAtWrite() (func(), time.Duration) {
	place := m.any()
	if m.chance.IntN(3) == 0 {
		place = m.leader()
	}
	if !m.goDown(place) {
		return nil, 0
	}
	fell := make(chan func(), 1)
	m.world.cluster.Disk(place).SetTrap(m.chance.IntN(6), func() {
		m.world.lives[place].Load().over.Store(true)
		heal := m.split([]int{place}, both) // whatever it still does, nobody hears of
		m.world.cluster.Network.Crash(host(place))
		m.world.cluster.Disk(place).PowerOff()
		fell <- heal
	})
	lasting := m.long()
	return func() {
		m.world.cluster.Disk(place).SetTrap(0, nil)
		time.Sleep(time.Millisecond) // whoever runs into it at this moment is through by then
		select {
		case heal := <-fell:
			m.world.kill(place)
			heal()
			m.comeUp(place)
		default: // it wrote too little
			m.standsAgain(place)
		}
	}, lasting
}

// partKill cuts a minority off while the others go on, takes the power of one of those, and lets it and the minority be the majority: what was acknowledged must be there.
func (m *troublemaker) partKill() (func(), time.Duration) {
	places := m.some(m.world.setup.nodes)
	half := len(places) / 2
	minority, victim, others := places[:half], places[half], places[half+1:]
	first, second := m.long()/2, m.long()/2
	if !m.goDown(victim) {
		return nil, 0
	}
	heal := m.split(minority, both)
	m.healing.Go(func() {
		time.Sleep(first)
		m.world.kill(victim)
		healOthers := m.split(others, both)
		heal()
		m.comeUp(victim)
		time.Sleep(second)
		healOthers()
	})
	return func() {}, first + second
}

// stop ends a node as an operator would.
func (m *troublemaker) stop() (func(), time.Duration) {
	place := m.any()
	if !m.goDown(place) {
		return nil, 0
	}
	var ending sync.WaitGroup
	ending.Go(func() { m.world.cluster.StopNode(place) })
	return func() {
		ending.Wait()
		m.comeUp(place)
	}, m.long()
}

// goDown claims a node that runs, so that nobody else takes it down.
func (m *troublemaker) goDown(place int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down[place] {
		return false
	}
	m.down[place] = true
	return true
}

func (m *troublemaker) comeUp(place int) {
	m.world.cluster.Restart(place)
	m.standsAgain(place)
}

// standsAgain lets others take a node down.
func (m *troublemaker) standsAgain(place int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down[place] = false
}

// supervise starts nodes again that ended by themselves, as a supervisor of processes would.
func (m *troublemaker) supervise(ctx context.Context) {
	for {
		select {
		case <-time.After(300 * time.Millisecond):
			m.restartFailed()
		case <-ctx.Done():
			return
		}
	}
}

func (m *troublemaker) restartFailed() {
	for place := range m.world.setup.nodes {
		if !m.goDown(place) {
			continue
		}
		node := m.world.cluster.Node(place)
		if node == nil {
			continue // it did not start again, which was noted
		}
		if err := node.Err(); err != nil {
			m.world.ended(place, err)
			m.world.kill(place)
			m.world.cluster.Restart(place)
		}
		m.mu.Lock()
		m.down[place] = false
		m.mu.Unlock()
	}
}

// disks lets writes of some nodes take so long.
func (m *troublemaker) disks(delay time.Duration, places ...int) func() {
	for _, place := range places {
		m.world.cluster.Disk(place).SetSyncDelay(delay)
	}
	return func() {
		for _, place := range places {
			m.world.cluster.Disk(place).SetSyncDelay(0)
		}
	}
}

// pauseLeader is nearly what SIGSTOP does: the leader's disk hangs, so that its Raft stands still while it believes to lead, and nothing passes to or from it
// until it goes on with what it had in mind.
func (m *troublemaker) pauseLeader() (func(), time.Duration) {
	leader := m.leader()
	heal := m.split([]int{leader}, both)
	lasting := between(m.chance, 50*time.Millisecond, 3*m.world.setup.raftTimeout)
	m.world.cluster.Disk(leader).SetSyncDelay(lasting)
	return func() {
		m.world.cluster.Disk(leader).SetSyncDelay(0)
		heal()
	}, lasting
}

// transfer asks the leader to hand over, to somebody or to a node of its own choice.
func (m *troublemaker) transfer() (func(), time.Duration) {
	node, to := m.world.cluster.Node(m.leader()), ""
	if place := m.any(); m.chance.IntN(2) == 0 {
		to = fmt.Sprintf("node-%d", place)
	}
	if node == nil {
		return nil, 0
	}
	m.healing.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := node.TransferLeadership(ctx, to); err == nil {
			m.world.count("leadership handed over")
		}
	})
	return func() {}, 0
}

// lateEntries lets the next entries of whoever leads be handed to Raft long after they were stamped, while leadership goes to and fro.
func (m *troublemaker) lateEntries() (func(), time.Duration) {
	most := 8 * m.world.setup.raftTimeout
	for range 1 + m.chance.IntN(4) {
		m.world.stalls.arm(atHandOver, between(m.chance, time.Millisecond, most))
	}
	m.elections(1 + m.chance.IntN(3))
	return m.world.stalls.disarm, most
}

// lateReigns lets the next winners of elections stand still before they do anything about it, while others may be elected.
func (m *troublemaker) lateReigns() (func(), time.Duration) {
	most := 5 * m.world.setup.raftTimeout
	for range 1 + m.chance.IntN(2) {
		m.world.stalls.arm(atReign, between(m.chance, m.world.setup.raftTimeout/2, most))
	}
	m.elections(1 + m.chance.IntN(2))
	return m.world.stalls.disarm, most
}

// elections lets so many leaders, one after the other, hand over or be cut off for a moment.
func (m *troublemaker) elections(count int) {
	pauses := make([]time.Duration, count)
	for i := range pauses {
		pauses[i] = between(m.chance, m.world.setup.raftTimeout/4, 3*m.world.setup.raftTimeout)
	}
	m.healing.Go(func() {
		for i, pause := range pauses {
			leader := m.world.cluster.Leader()
			node := m.world.cluster.Node(max(leader, 0))
			switch {
			case leader < 0 || node == nil:
				time.Sleep(pause)
			case i%2 == 0:
				ctx, cancel := context.WithTimeout(context.Background(), pause)
				_ = node.TransferLeadership(ctx, "")
				cancel()
			default:
				heal := m.split([]int{leader}, both)
				time.Sleep(pause)
				heal()
			}
		}
	})
}

// rates lets every node's clock run at a rate of its own from now on.
func (m *troublemaker) rates() (func(), time.Duration) {
	for place := range m.world.setup.nodes {
		m.world.cluster.Clock(place).SetRate(1 + m.world.setup.drift*(2*m.chance.Float64()-1))
	}
	return func() {}, 0
}

// walls steps every node's wall clock, by anything from seconds to days.
func (m *troublemaker) walls() (func(), time.Duration) {
	for place := range m.world.setup.nodes {
		step := pick(m.chance, time.Second, time.Minute, time.Hour, 48*time.Hour)
		m.world.cluster.Clock(place).SetWallOffset(time.Duration((2*m.chance.Float64() - 1) * float64(step)))
	}
	return func() {}, 0
}

// heal makes everything good for what trouble may have left.
func (w *world) heal() {
	w.eachLink(func(from, to string) {
		w.cluster.Network.Heal(from, to)
		w.cluster.Network.SetLink(from, to, w.setup.link)
	})
	for place := range w.setup.nodes {
		w.cluster.Disk(place).SetSyncDelay(0)
	}
	w.stalls.disarm()
	w.repeats.working.Store(0)
	w.tell("everything is healed")
}

// ended judges why a node could not go on: a hanging disk, a transfer that Raft does not end, and nothing else are reasons.
func (w *world) ended(place int, reason error) {
	w.tell("node %d ended: %v", place, reason)
	switch sentence := reason.Error(); {
	case strings.Contains(sentence, "has been hanging for"):
		w.count("ended by its disk")
	case strings.Contains(sentence, "leadership transfer that does not end"):
		w.count("ended by a stuck transfer")
	default:
		w.violate(nodeEnds, "node %d could not go on: %v", place, reason)
	}
}
