package fsm

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/coordd/coordd/fsm/command"
)

var twinNames = []string{"a", "b", "c"}

// holdRunner carries steps to a real machine and translates numbers to what that machine calls them.
type holdRunner struct {
	m       *Machine
	index   uint64
	ids     map[int]command.Position
	numbers map[command.WaiterID]int
	tokens  map[int]command.Token
	highest map[string]command.Token
}

func newHoldRunner() *holdRunner {
	return &holdRunner{m: New(), ids: map[int]command.Position{}, numbers: map[command.WaiterID]int{}, tokens: map[int]command.Token{}, highest: map[string]command.Token{}}
}

// apply seals the steps into one entry, and answers the class of each reply.
func (r *holdRunner) apply(t *rapid.T, now command.Instant, steps ...holdStep) []string {
	r.index++
	entry := command.Entry{Term: 1, Now: now}
	for i, s := range steps {
		id := command.Position{Index: r.index, Offset: uint32(i)}
		if s.kind == "open" || s.kind == "acquire" {
			r.ids[s.number], r.numbers[id] = id, s.number
		}
		entry.Commands = append(entry.Commands, command.Command{Lane: uint64(i + 1), Op: r.op(s)})
	}
	applied := r.m.Apply(r.index, 1, command.AppendEntry(nil, entry))
	r.ordered(t, applied.Events)
	classes := make([]string, len(steps))
	for i, reply := range applied.Replies {
		classes[i] = holdClass(reply)
	}
	return classes
}

// ordered checks promise 2: a token is the index of the entry that granted, so every owner has a larger one than all before it. Only a reader may have that of the readers whom it
// joins (safety case S19).
func (r *holdRunner) ordered(t *rapid.T, events []Event) {
	for _, event := range events {
		if event.Type != EventBegan {
			continue
		}
		highest, granted := r.highest[event.Name.Key], command.Token(r.index)
		joins := event.Mode == command.Shared.String() && event.Token == highest
		if event.Token != granted && !joins || event.Token < highest || event.Token == highest && event.Mode == command.Exclusive.String() {
			t.Fatalf("%q got token %d (%s) in entry %d, after %d", event.Name.Key, event.Token, event.Mode, r.index, highest)
		}
		r.highest[event.Name.Key] = event.Token
		r.tokens[r.numbers[event.Waiter]] = event.Token
	}
}

// drain lets the machine do all that is due and pending.
func (r *holdRunner) drain(t *rapid.T, now command.Instant) {
	for range 100 {
		r.index++
		applied := r.m.Apply(r.index, 1, command.AppendEntry(nil, command.Entry{Term: 1, Now: now, Commands: []command.Command{{Op: command.Expire{}}}}))
		r.ordered(t, applied.Events)
		if !r.m.HasWork() {
			r.apply(t, now)
			return
		}
	}
	t.Fatal("there is work that never ends")
}

// shown tells all that stands on a name, and who waits for it, as the twin does.
func (r *holdRunner) shown(key string) string {
	s := r.m.state
	var words []string
	if record, _ := s.names.get(keyOf(name(key))); record.holding == holdingString {
		words = append(words, "value "+string(record.value))
	}
	s.acquires.all(func(id command.WaiterID, a acquireRecord) bool {
		if a.has(key) {
			words = append(words, stageText(r.numbers[id], a.stage, int(a.count)))
		}
		return true
	})
	return strings.Join(words, ", ")
}

func holdClass(reply command.Reply) string {
	if reply.Type != command.ReplyMap {
		return classOf(reply)
	}
	for i := 0; i+1 < len(reply.Elements); i += 2 {
		value := reply.Elements[i+1]
		switch string(reply.Elements[i].Text) {
		case "count":
			return "granted x" + strconv.FormatInt(value.Integer, 10)
		case "queued":
			return "queued"
		case "losses_total":
			return "renewed, " + strconv.FormatInt(value.Integer, 10) + " lost"
		}
	}
	return "map"
}

// steps makes up the commands of one entry.
type holdSteps struct {
	pick   func(int) int
	twin   *twinWorld
	number *int
	// stages are those of the acquires before the entry. A hand-over is made in the next entry when the name had an owner in this one already, while the twin makes it
	// at once; so what depends on which of the two has happened is asked in an entry of its own.
	stages map[int]holdStage
}

func (d *holdSteps) begin() {
	d.stages = map[int]holdStage{}
	for _, a := range d.twin.acquires {
		d.stages[a.number] = a.stage
	}
}

// moved says whether one of these acquires was granted by a hand-over in this entry.
func (d *holdSteps) moved(which func(*twinAcquire) bool) bool {
	return slices.ContainsFunc(d.twin.acquires, func(a *twinAcquire) bool {
		before, known := d.stages[a.number]
		return known && before == stageWaiting && a.stage != before && which(a)
	})
}

// settled says whether a step means the same wherever in the entry it stands.
func (d *holdSteps) settled(s holdStep) bool {
	switch s.kind {
	case "close", "kill":
		return !d.moved(func(a *twinAcquire) bool { return a.session == s.session })
	case "renew session", "open":
		return true
	case "acquire":
		return !d.moved(func(a *twinAcquire) bool {
			return a.session == s.session && a.owner == s.owner || slices.ContainsFunc(s.names, a.on)
		})
	}
	return !d.moved(func(a *twinAcquire) bool {
		return a.number == s.target || a.on(s.name()) || s.kind == "transfer" && a.owner == s.value
	})
}

var holdKinds = []string{
	"open", "renew session", "renew session", "renew session", "close", "kill", "acquire", "acquire", "acquire", "acquire", "acquire", "acquire", "acquire", "release", "release", "release", "release",
	"renew", "describe", "transfer", "transfer", "cancel", "cancel", "force", "force", "setnx", "set", "delif",
}

func (d *holdSteps) draw() holdStep {
	*d.number++
	s := holdStep{number: *d.number, kind: holdKinds[d.pick(len(holdKinds))], names: []string{twinNames[d.pick(3)]}, value: string(rune('x' + d.pick(2))), ttl: int64(50 + d.pick(500))}
	switch s.kind {
	case "open":
		s.ttl = int64(500 + d.pick(2000))
	case "renew session", "close", "kill":
		s.session, s.atOnce = d.session(), d.pick(2) == 0
		for _, lost := range d.twin.session(s.session).lost {
			if d.pick(2) == 0 {
				s.acks = append(s.acks, lost)
			}
		}
	case "acquire":
		d.drawAcquire(&s)
	case "release", "renew", "describe", "transfer", "cancel", "force":
		d.drawTarget(&s)
	}
	return s
}

// session is one that lives, or now and then any.
func (d *holdSteps) session() int {
	var from []*twinSession
	for _, s := range d.twin.sessions {
		if !s.over && !s.doomed {
			from = append(from, s)
		}
	}
	if len(from) == 0 || d.pick(8) == 0 {
		from = d.twin.sessions
	}
	if len(from) == 0 {
		return 0
	}
	return recent(d.pick, from).number
}

func (d *holdSteps) drawAcquire(s *holdStep) {
	s.wait = int64(d.pick(3) * 400)
	if d.pick(3) > 0 {
		s.session, s.owner = d.session(), []string{"", "p", "q"}[d.pick(3)]
	}
	s.again = s.session != 0 && s.owner != "" && d.pick(2) == 0
	if s.session != 0 {
		s.ttl = 0
	}
	switch d.pick(6) {
	case 0, 1:
		s.want.mode = command.Shared
	case 2:
		s.want.mode, s.want.limit, s.want.permits = command.Semaphore, 3, uint32(1+d.pick(2))
	case 3:
		for _, other := range twinNames {
			if other != s.name() && d.pick(2) == 0 {
				s.names = append(s.names, other)
			}
		}
	}
	for _, span := range []*int64{&s.want.maxHold, &s.want.delay, &s.want.atLeast} {
		if d.pick(5) == 0 {
			*span = int64(50 + d.pick(400))
		}
	}
}

// drawTarget names an acquire that was there before the entry, its asker, and now and then another's.
func (d *holdSteps) drawTarget(s *holdStep) {
	s.value = []string{"", "p", "q"}[d.pick(3)]
	s.all, s.atOnce = d.pick(3) == 0, d.pick(2) == 0
	if s.kind == "force" && d.pick(2) == 0 {
		return
	}
	var known []*twinAcquire
	for _, a := range d.twin.acquires {
		if _, before := d.stages[a.number]; before {
			known = append(known, a)
		}
	}
	if len(known) == 0 {
		s.kind, s.session, s.ttl = "open", 0, s.ttl+500
		return
	}
	a := recent(d.pick, known)
	s.target, s.session, s.names, s.owner = a.number, a.session, []string{a.names[d.pick(len(a.names))]}, a.owner
	// A token says which hold is meant where it belongs to one alone.
	s.byToken = a.mode == command.Exclusive && a.stage == stageHeld && d.pick(2) == 0
	switch d.pick(8) {
	case 0:
		s.session = d.session()
	case 1:
		s.owner = "p"
	}
	if queue := d.twin.on(s.name(), stageWaiting); s.kind == "transfer" && len(queue) > 0 && d.pick(4) > 0 {
		s.value = recent(d.pick, queue).owner
	}
	if s.kind == "renew" {
		s.session, s.owner, s.ttl = 0, "", int64(d.pick(2))*s.ttl
	}
}

// Many commands on native holds in one entry do what the same commands do one at a time, and both do what the naive twin says: the same answers, and on each name the same
// holders, kept places and waiters.
func TestHoldsOfAnEntryEqualTheTwins(t *testing.T) {
	classes := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		together, apart, twin := newHoldRunner(), newHoldRunner(), newTwinWorld()
		number := 0
		d := &holdSteps{pick: drawn(t), twin: twin, number: &number}
		now := command.Instant(1000)
		for range rapid.IntRange(1, 60).Draw(t, "entries") {
			now += command.Instant([]int64{0, 1, 30, 150, 400}[d.pick(5)])
			twin.now = now
			together.drain(t, now)
			apart.drain(t, now)
			twin.settle()
			compareHolds(t, now, nil, together, apart, twin)
			d.begin()
			steps := d.entry(t, now, apart, classes)
			got := together.apply(t, now, stepsOf(steps)...)
			for i, s := range steps {
				if got[i] == "again" {
					return // apart it has been done: from here on the two are different
				}
				if got[i] != s.class {
					t.Fatalf("%+v at %d: %q together, %q alone", s.step, now, got[i], s.class)
				}
			}
			together.drain(t, now)
			apart.drain(t, now)
			twin.settle()
			compareHolds(t, now, stepsOf(steps), together, apart, twin)
		}
	})
	t.Logf("answers: %v", classes)
}

// taken is a step with the class of its answer.
type taken struct {
	step  holdStep
	class string
}

func stepsOf(all []taken) (steps []holdStep) {
	for _, one := range all {
		steps = append(steps, one.step)
	}
	return steps
}

// entry makes up the steps of an entry while they are done one at a time, and by the twin.
func (d *holdSteps) entry(t *rapid.T, now command.Instant, apart *holdRunner, classes map[string]int) (steps []taken) {
	for range 1 + d.pick(5) {
		s := d.draw()
		if len(steps) > 0 && !d.settled(s) {
			continue
		}
		alone := apart.apply(t, now, s)[0]
		if alone == "again" {
			t.Fatalf("%+v at %d is refused alone", s, now)
		}
		if want := d.twin.run(s, alone); alone != want {
			t.Fatalf("%+v at %d: %q, and %q by the twin", s, now, alone, want)
		}
		apart.drain(t, now)
		classes[s.kind+": "+alone]++
		steps = append(steps, taken{s, alone})
	}
	return steps
}

func compareHolds(t *rapid.T, now command.Instant, steps []holdStep, together, apart *holdRunner, twin *twinWorld) {
	for _, key := range twinNames {
		want := twin.shown(key)
		if one, other := together.shown(key), apart.shown(key); one != want || other != want {
			t.Fatalf("%q at %d after %+v:\n%s together\n%s apart\n%s by the twin", key, now, steps, one, other, want)
		}
	}
	for _, r := range []*holdRunner{together, apart} {
		if err := checkInvariants(r.m); err != nil {
			t.Fatal(err)
		}
	}
}
