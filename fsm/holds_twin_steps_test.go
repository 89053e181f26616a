package fsm

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/coordd/coordd/fsm/command"
)

// holdStep is one command to the twin and to a machine. What it names, it names by the number of the step that made it.
type holdStep struct {
	number  int
	kind    string
	names   []string
	want    twinAcquire // of an acquire
	wait    int64
	again   bool // reentrant
	target  int  // an acquire
	byToken bool
	session int
	owner   string
	ttl     int64
	all     bool
	atOnce  bool
	acks    []int
	value   string
}

func (s holdStep) name() string { return s.names[0] }

// run answers the class of a reply. Whether a wait closes a circle is judged elsewhere (deadlock_test.go), so that verdict is the machine's.
func (w *twinWorld) run(s holdStep, verdict string) string {
	w.settle()
	defer w.settle()
	session := w.session(s.session)
	switch s.kind {
	case "open":
		w.sessions = append(w.sessions, &twinSession{number: s.number, ttl: s.ttl, until: w.now.Add(s.ttl)})
		return "map"
	case "renew session":
		return w.renewSession(session, s)
	case "close":
		if !session.over {
			session.over, session.wished = true, true
		}
		return "OK"
	case "kill":
		return w.kill(session, s)
	case "acquire":
		return w.ask(s, verdict)
	case "release", "renew", "transfer", "describe":
		return w.byHolder(s)
	case "cancel":
		return w.cancel(session, s)
	case "force":
		return w.force(s)
	}
	return w.redis(s)
}

func (w *twinWorld) renewSession(session *twinSession, s holdStep) string {
	if session.over || session.doomed {
		return "NOSESSION"
	}
	session.until = w.now.Add(session.ttl)
	for _, number := range s.acks {
		if i := slices.Index(session.lost, number); i >= 0 {
			session.lost = slices.Delete(session.lost, i, i+1)
			w.acknowledge(number)
		}
	}
	return fmt.Sprintf("renewed, %d lost", len(session.lost))
}

func (w *twinWorld) kill(session *twinSession, s holdStep) string {
	if session.over {
		return "NOSESSION"
	}
	session.doomed, session.over, session.atOnce = true, s.atOnce, s.atOnce
	for _, a := range slices.Clone(w.acquires) {
		if a.session == session.number && a.stage == stageWaiting {
			w.remove(a)
		}
	}
	return "map"
}

// ask takes a hold or a place, or gives an owner again what it has.
func (w *twinWorld) ask(s holdStep, verdict string) string {
	if session := w.session(s.session); s.session != 0 && (session.over || session.doomed) {
		return "NOSESSION"
	}
	a := s.want
	a.number, a.names, a.session, a.owner, a.ttl, a.waitUntil = s.number, s.names, s.session, s.owner, s.ttl, w.now.Add(s.wait)
	named := s.session != 0 && s.owner != ""
	for _, name := range s.names {
		had := w.ownersOn(name, s.session, s.owner)
		switch {
		case had == nil:
			continue
		case had.mode != a.mode || had.permits != a.permits || had.limit != a.limit || !slices.Equal(had.names, a.names):
			return "CONFLICT"
		case had.stage == stageWaiting && s.wait == 0:
			w.remove(had)
			w.settle()
			return w.take(a, s, named, verdict)
		case had.stage == stageWaiting:
			return "queued"
		case s.again:
			had.count++
		}
		return fmt.Sprintf("granted x%d", had.count)
	}
	return w.take(a, s, named, verdict)
}

// ownersOn is what a named owner has or wants of a name.
func (w *twinWorld) ownersOn(name string, session int, owner string) *twinAcquire {
	for _, a := range w.acquires {
		if session != 0 && owner != "" && a.session == session && a.owner == owner && a.stage != stageGhost && a.on(name) {
			return a
		}
	}
	return nil
}

func (w *twinWorld) take(a twinAcquire, s holdStep, named bool, verdict string) string {
	free, involved := true, false
	for _, name := range a.names {
		for _, other := range w.acquires {
			if a.mode == command.Semaphore && other.mode == command.Semaphore && other.on(name) && other.limit != a.limit {
				return "CONFLICT"
			}
		}
		free = free && w.head(name) == nil && w.fits(name, &a)
	}
	for _, other := range w.acquires {
		involved = involved || named && other.session == a.session && other.owner == a.owner && other.stage != stageGhost
	}
	switch {
	case free:
		w.acquires = append(w.acquires, &a)
		w.grant(&a)
		return "granted x1"
	case s.wait == 0:
		return "HELD"
	case verdict == "DEADLOCK" && involved:
		return verdict
	}
	w.acquires = append(w.acquires, &a)
	return "queued"
}

// byHolder is what only the holder may ask for.
func (w *twinWorld) byHolder(s holdStep) string {
	a := w.acquire(s.target)
	held := a != nil && a.stage == stageHeld && a.on(s.name())
	switch {
	case s.kind == "renew" && held && a.session != 0:
		return "ERR"
	case !held, a.session != s.session, s.owner != "" && a.owner != s.owner:
		return "NOTHELD"
	}
	switch s.kind {
	case "describe":
		return "OK"
	case "renew":
		if s.ttl != 0 {
			a.ttl = s.ttl
		}
		a.until = max(a.until, earlier(w.now.Add(a.ttl), a.maximum))
		return fmt.Sprintf("granted x%d", a.count)
	case "transfer":
		return w.transfer(a, s)
	}
	if a.count > 1 && !s.all {
		a.count--
		return fmt.Sprint(a.count)
	}
	w.end(a, twinEnding{at: w.now, wished: true})
	return "OK"
}

func (w *twinWorld) transfer(a *twinAcquire, s holdStep) string {
	if a.mode != command.Exclusive || len(a.names) > 1 {
		return "CONFLICT"
	}
	for _, candidate := range w.on(s.name(), stageWaiting) {
		if candidate.owner != s.value || s.value == "" {
			continue
		}
		elsewhere := slices.ContainsFunc(w.acquires, func(other *twinAcquire) bool {
			return candidate.session != 0 && other != candidate && other.session == candidate.session && other.owner == candidate.owner && other.stage == stageWaiting
		})
		if candidate.mode != command.Exclusive || len(candidate.names) > 1 || elsewhere {
			return "CONFLICT"
		}
		w.successors[s.name()] = candidate.number
		w.end(a, twinEnding{at: w.now, wished: true})
		return "map"
	}
	return "NOCANDIDATE"
}

func (w *twinWorld) cancel(session *twinSession, s holdStep) string {
	a := w.acquire(s.target)
	switch {
	case a == nil || a.session != s.session || !a.on(s.name()) || s.session != 0 && session.over:
	case a.stage == stageWaiting:
		w.remove(a)
	case a.stage == stageHeld:
		w.end(a, twinEnding{at: w.now, wished: true})
	}
	return "OK"
}

func (w *twinWorld) force(s holdStep) string {
	if _, value := w.values[s.name()]; value {
		if s.target != 0 {
			return "NOTHELD"
		}
		delete(w.values, s.name())
		return "map"
	}
	ended := 0
	for _, a := range slices.Clone(w.acquires) {
		switch {
		case !a.on(s.name()) || s.target != 0 && a.number != s.target:
		case a.stage == stageHeld:
			w.end(a, twinEnding{at: w.now, atOnce: s.atOnce, until: w.knownEnd(a)})
			ended++
		case a.stage == stageGhost && s.atOnce:
			w.remove(a)
			ended++
		}
	}
	if ended == 0 {
		return "NOTHELD"
	}
	return "map"
}

// redis is what Redis commands make of a name: one that is held natively, kept, or led by a queue is held by another.
func (w *twinWorld) redis(s holdStep) string {
	value, mine := w.values[s.name()]
	native := !mine && slices.ContainsFunc(w.acquires, func(a *twinAcquire) bool { return a.on(s.name()) })
	switch {
	case s.kind == "setnx" && (native || mine):
		return "nil"
	case s.kind == "delif" && (native || !mine || value.text != s.value):
		return "0"
	case s.kind == "delif":
		delete(w.values, s.name())
		return "1"
	case native:
		return "LOCKED"
	}
	w.values[s.name()] = twinValue{s.value, w.now.Add(s.ttl)}
	return "OK"
}

// op is the command that a step is.
func (r *holdRunner) op(s holdStep) command.Op {
	by, hold := command.Credentials{}, command.HoldRef{Waiter: r.ids[s.target]}
	if s.session != 0 {
		by = command.Credentials{Session: r.ids[s.session], Secret: scenarioSecret}
	}
	if s.byToken {
		hold = command.HoldRef{Token: r.tokens[s.target]}
	}
	switch s.kind {
	case "open":
		return command.SessionOpen{TTLMilliseconds: s.ttl, SecretHash: scenarioSecret}
	case "renew session":
		op := command.SessionRenew{By: by}
		for _, number := range s.acks {
			op.Acknowledged = append(op.Acknowledged, r.ids[number])
		}
		return op
	case "close":
		return command.SessionClose{Session: by.Session, SecretHash: by.Secret}
	case "kill":
		return command.SessionKill{Session: by.Session, Reason: "test", Now: s.atOnce}
	case "acquire":
		return command.HoldAcquire{Names: s.names, Mode: s.want.mode, Permits: s.want.permits, Limit: s.want.limit, By: by, Owner: s.owner, TTLMilliseconds: s.ttl,
			WaitMilliseconds: s.wait, Reentrant: s.again, MaxHold: s.want.maxHold, Delay: s.want.delay, AtLeast: s.want.atLeast}
	case "release":
		return command.HoldRelease{Name: s.name(), Hold: hold, By: by, Owner: s.owner, All: s.all}
	case "renew":
		return command.HoldRenew{Name: s.name(), Hold: hold, TTLMilliseconds: s.ttl}
	case "describe":
		return command.HoldDescribe{Name: s.name(), Hold: hold, By: by, Owner: s.owner, Metadata: []byte("m")}
	case "transfer":
		return command.ElectionTransfer{Name: s.name(), Hold: hold, By: by, Owner: s.owner, Candidate: s.value}
	case "cancel":
		return command.HoldCancel{Name: s.name(), Waiter: r.ids[s.target], By: by}
	case "force":
		return command.ForceUnlock{Name: s.name(), Waiter: r.ids[s.target], Reason: "test", Now: s.atOnce}
	case "setnx":
		return command.Set{Name: name(s.name()), Value: []byte(s.value), Condition: command.IfAbsent, Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: s.ttl}}
	case "set":
		return command.Set{Name: name(s.name()), Value: []byte(s.value), Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: s.ttl}}
	}
	return command.DeleteIf{Name: name(s.name()), Condition: command.IfEqual, Operand: bytes.Clone([]byte(s.value))}
}
