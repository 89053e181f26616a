package fsm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// The naive twin of native holds: what locks, readers, permits, sets, elections, floors, delays and losses mean, told with one list of acquires and linear
// scans, everything brought up to date before and after every step. It knows nothing of entries, tokens, tables, indexes or slices of work.

type twinAcquire struct {
	number         int // of the step that asked
	names          []string
	mode           command.Mode
	permits, limit uint32
	session        int // 0 for none
	owner          string
	stage          holdStage
	waitUntil      command.Instant
	count          int
	ttl            int64
	maxHold        int64
	delay          int64
	atLeast        int64
	since          command.Instant
	until          command.Instant // by its TTL or maximum, 0 for never
	maximum        command.Instant // by its maximum alone
	kept           command.Instant // of a ghost: until when its place is kept
	reserved       command.Instant // of a ghost: whatever is acknowledged
	unheeded       bool            // of a ghost: an acknowledgement ends it, or brings it down to reserved
}

func (a *twinAcquire) on(name string) bool { return slices.Contains(a.names, name) }

type twinSession struct {
	number int
	ttl    int64
	until  command.Instant
	doomed bool // it was killed: it lives to its deadline and gets nothing new
	over   bool
	wished bool // it ended by a close
	atOnce bool // it was killed at once
	lost   []int
}

type twinValue struct {
	text  string
	until command.Instant
}

type twinWorld struct {
	now        command.Instant
	sessions   []*twinSession
	acquires   []*twinAcquire // in the order in which they asked
	values     map[string]twinValue
	successors map[string]int
}

func newTwinWorld() *twinWorld {
	return &twinWorld{values: map[string]twinValue{}, successors: map[string]int{}}
}

func (w *twinWorld) session(number int) *twinSession {
	for _, s := range w.sessions {
		if s.number == number {
			return s
		}
	}
	return &twinSession{over: true}
}

func (w *twinWorld) acquire(number int) *twinAcquire {
	for _, a := range w.acquires {
		if a.number == number {
			return a
		}
	}
	return nil
}

func (w *twinWorld) remove(gone *twinAcquire) {
	w.acquires = slices.DeleteFunc(w.acquires, func(a *twinAcquire) bool { return a == gone })
	for _, name := range gone.names {
		if w.successors[name] == gone.number {
			delete(w.successors, name)
		}
	}
}

// on lists the acquires at a stage on a name, oldest first.
func (w *twinWorld) on(name string, stage holdStage) (list []*twinAcquire) {
	for _, a := range w.acquires {
		if a.stage == stage && a.on(name) {
			list = append(list, a)
		}
	}
	return list
}

// head is who is next on a name, nil for nobody.
func (w *twinWorld) head(name string) *twinAcquire {
	queue := w.on(name, stageWaiting)
	for _, a := range queue {
		if w.successors[name] == a.number {
			return a
		}
	}
	if len(queue) == 0 {
		return nil
	}
	return queue[0]
}

// fits says whether an acquire could stand beside those who hold a name, or whose place on it is kept.
func (w *twinWorld) fits(name string, a *twinAcquire) bool {
	if _, value := w.values[name]; value {
		return false
	}
	used := uint32(0)
	for _, other := range w.acquires {
		if other.stage == stageWaiting || !other.on(name) {
			continue
		}
		if a.mode == command.Exclusive || other.mode != a.mode {
			return false
		}
		used += other.permits
	}
	return a.mode != command.Semaphore || used+a.permits <= a.limit
}

// settle ends what time and sessions have ended, and hands over, until nothing changes.
func (w *twinWorld) settle() {
	for name, value := range w.values {
		if value.until <= w.now {
			delete(w.values, name)
		}
	}
	for _, s := range w.sessions {
		if !s.over && s.until <= w.now {
			s.over = true
		}
		if s.over {
			w.giveBack(s)
		}
	}
	for _, a := range slices.Clone(w.acquires) {
		switch {
		case a.stage == stageHeld && a.until != 0 && a.until <= w.now:
			w.end(a, twinEnding{at: a.until})
		case a.stage == stageWaiting && a.waitUntil <= w.now:
			w.remove(a)
		}
		if a.stage == stageGhost && a.kept <= w.now {
			w.remove(a)
		}
	}
	for w.handOver() {
	}
}

// handOver grants one waiter that is next on all its names.
func (w *twinWorld) handOver() bool {
	for _, a := range w.acquires {
		ready := a.stage == stageWaiting
		for _, name := range a.names {
			ready = ready && w.head(name) == a && w.fits(name, a)
		}
		if ready {
			w.grant(a)
			return true
		}
	}
	return false
}

func (w *twinWorld) grant(a *twinAcquire) {
	for _, name := range a.names {
		if w.successors[name] == a.number {
			delete(w.successors, name)
		}
	}
	a.stage, a.count, a.since = stageHeld, 1, w.now
	if a.maxHold > 0 {
		a.maximum = w.now.Add(a.maxHold)
	}
	a.until = a.maximum
	if a.session == 0 {
		a.until = earlier(w.now.Add(a.ttl), a.maximum)
	}
}

func earlier(one, other command.Instant) command.Instant {
	if other != 0 && other < one {
		return other
	}
	return one
}

// giveBack ends all that a session had. What had reached its maximum before ended then.
func (w *twinWorld) giveBack(s *twinSession) {
	for _, a := range slices.Clone(w.acquires) {
		switch at := min(s.until, w.now); {
		case a.session != s.number || s.number == 0:
		case a.stage == stageWaiting:
			w.remove(a)
		case a.stage == stageHeld && a.until != 0 && a.until < at:
			w.end(a, twinEnding{at: a.until})
		case a.stage == stageHeld:
			w.end(a, twinEnding{at: at, wished: s.wished, atOnce: s.atOnce})
		}
	}
	for _, number := range s.lost {
		w.acknowledge(number)
	}
	s.lost = nil
}

// twinEnding is how a hold ends.
type twinEnding struct {
	at     command.Instant
	wished bool            // by its holder
	atOnce bool            // nothing is kept
	until  command.Instant // the deadline that the holder knew, when an operator ends it
}

func (w *twinWorld) end(a *twinAcquire, how twinEnding) {
	reserved, unheeding := command.Instant(0), command.Instant(0)
	if !how.atOnce && a.atLeast > 0 {
		reserved = a.since.Add(a.atLeast)
	}
	if !how.atOnce && a.delay > 0 && !how.wished {
		reserved = max(reserved, how.at.Add(a.delay))
	}
	if s := w.session(a.session); !how.wished && a.session != 0 && !s.over {
		s.lost = append(s.lost, a.number)
		if !how.atOnce && how.until > w.now {
			a.unheeded, unheeding = true, how.until
		}
	}
	if a.session == 0 && !how.atOnce {
		reserved = max(reserved, how.until)
	}
	a.stage, a.reserved, a.kept = stageGhost, reserved, max(reserved, unheeding)
	if a.kept <= w.now {
		w.remove(a)
	}
}

func (w *twinWorld) acknowledge(number int) {
	a := w.acquire(number)
	if a == nil || a.stage != stageGhost || !a.unheeded {
		return
	}
	a.unheeded, a.kept = false, a.reserved
	if a.kept <= w.now {
		w.remove(a)
	}
}

// knownEnd is the deadline that a holder has, if nothing more is renewed.
func (w *twinWorld) knownEnd(a *twinAcquire) command.Instant {
	if a.session == 0 {
		return a.until
	}
	return earlier(w.session(a.session).until, a.until)
}

// shown tells all that stands on a name, and who waits for it.
func (w *twinWorld) shown(name string) string {
	var words []string
	if value, ok := w.values[name]; ok {
		words = append(words, "value "+value.text)
	}
	for _, a := range w.acquires {
		if a.on(name) {
			words = append(words, stageText(a.number, a.stage, a.count))
		}
	}
	return strings.Join(words, ", ")
}

func stageText(number int, stage holdStage, count int) string {
	switch stage {
	case stageWaiting:
		return fmt.Sprintf("%d waits", number)
	case stageGhost:
		return fmt.Sprintf("%d's place is kept", number)
	}
	return fmt.Sprintf("%d holds x%d", number, count)
}
