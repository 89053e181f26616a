package client

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/coordd/coordd/transport/resp/wire"
)

// fakeLocks are the names of a fakeCluster. Everything is called with the cluster's mutex held.
type fakeLocks struct {
	cluster *fakeCluster
	holds   map[string]*fakeHold // by waiter id, also those that have ended
	order   []*fakeHold          // as they came
	blocked map[string]*fakeLoss // names that wait for a loss to be acknowledged
}

type fakeState int

const (
	fakeQueued fakeState = iota
	fakeGranted
	fakeEnded
)

// fakeHold is an acquire: a place in queues, then a hold, then its memory.
type fakeHold struct {
	waiter      string
	names       []string
	mode        string
	permits     int64
	limit       int64
	session     *fakeSession // nil: a lease
	number      int64
	owner       string
	reentrant   bool
	state       fakeState
	reason      string // why it ended
	token       int64
	count       int64
	waitUntil   int64
	maxHold     int64
	until       int64 // by max hold or, of a lease, its end
	ttl         int64 // of a lease
	subscriber  *fakeConn
	afterTheEnd []byte
}

type fakeLoss struct {
	hold   *fakeHold
	reason string
	why    string
	until  int64
}

func (l *fakeLoss) spelled() []byte {
	return appendPairs("name", l.hold.names[0], "waiter", l.hold.waiter, "token", l.hold.token, "owner", l.hold.owner, "reason", l.reason, "why", l.why, "until_ms", l.until)
}

func newFakeLocks(cluster *fakeCluster) fakeLocks {
	return fakeLocks{cluster: cluster, holds: map[string]*fakeHold{}, blocked: map[string]*fakeLoss{}}
}

// held are the names that somebody holds.
func (l *fakeLocks) held() (names []string) {
	for _, one := range l.order {
		if one.state == fakeGranted {
			names = append(names, one.names...)
		}
	}
	return names
}

func (l *fakeLocks) queued() (count int) {
	for _, one := range l.order {
		if one.state == fakeQueued {
			count++
		}
	}
	return count
}

func (l *fakeLocks) byNumber(session *fakeSession, number int64) *fakeHold {
	for _, one := range l.order {
		if one.session == session && one.number == number {
			return one
		}
	}
	return nil
}

func (l *fakeLocks) acquire(c *fakeConn, session *fakeSession, words []string) (answer []byte, again func() []byte) {
	wanted := &fakeHold{waiter: fmt.Sprintf("%d-0", l.cluster.index), mode: "exclusive", permits: 1, session: session, owner: optionOf(words, "OWNER"), count: 1,
		number: numberOf(words, "REQUEST"), reentrant: hasOption(words, "REENTRANT"), maxHold: numberOf(words, "MAXHOLD"), ttl: numberOf(words, "PX")}
	switch words[0] {
	case "LOCK.MACQUIRE":
		count, _ := strconv.Atoi(words[1])
		wanted.names, wanted.mode = words[2:2+count], "multi"
	case "SEMAPHORE.ACQUIRE":
		wanted.limit, _ = strconv.ParseInt(words[2], 10, 64)
		wanted.names, wanted.mode, wanted.permits = words[1:2], "semaphore", max(1, numberOf(words, "PERMITS"))
	default:
		wanted.names = words[1:2]
		if words[2] == "SHARED" {
			wanted.mode = "shared"
		}
	}
	if present := l.present(wanted); present != nil && wanted.owner != "" {
		if wanted.reentrant && present.state == fakeGranted {
			present.count++
		}
		return l.tell(present), func() []byte { return l.tell(present) }
	}
	l.order = append(l.order, wanted)
	l.holds[wanted.waiter] = wanted
	if blocker := l.blocker(wanted); blocker == nil && !l.reserved(wanted) {
		l.grant(wanted)
	} else if wait := numberOf(words, "WAIT"); wait == 0 {
		wanted.state, wanted.reason = fakeEnded, "refused"
		refusal := l.heldBy(wanted.names[0], blocker)
		return refusal, nil
	} else {
		wanted.waitUntil = l.cluster.now() + wait
		wanted.subscriber = c
	}
	if wanted.subscriber != nil && !hasOption(words, "ASYNC") {
		return nil, nil // the blocking form: the answer is written when it comes
	}
	return l.tell(wanted), func() []byte { return l.tell(wanted) }
}

// present is what the same owner has of the same names already.
func (l *fakeLocks) present(wanted *fakeHold) *fakeHold {
	for _, one := range l.order {
		if one.session == wanted.session && one.owner == wanted.owner && one.state != fakeEnded && slices.Equal(one.names, wanted.names) {
			return one
		}
	}
	return nil
}

// blocker is the first hold or earlier waiter in the way.
func (l *fakeLocks) blocker(wanted *fakeHold) *fakeHold {
	used := int64(0)
	for _, one := range l.order {
		if one == wanted {
			break
		}
		if one.state == fakeEnded || !slices.ContainsFunc(one.names, func(name string) bool { return slices.Contains(wanted.names, name) }) {
			continue
		}
		beside := one.state == fakeGranted && one.mode == wanted.mode && (one.mode == "shared" || one.mode == "semaphore")
		if !beside {
			return one
		}
		if used += one.permits; one.mode == "semaphore" && used+wanted.permits > wanted.limit {
			return one
		}
	}
	return nil
}

func (l *fakeLocks) reserved(wanted *fakeHold) bool {
	return slices.ContainsFunc(wanted.names, func(name string) bool { return l.blocked[name] != nil })
}

func (l *fakeLocks) heldBy(name string, by *fakeHold) []byte {
	if by == nil {
		return wire.AppendError(nil, "HELD '"+name+`' is reserved {"name":"`+name+`","reserved":"unacknowledged"}`)
	}
	session, remaining := "", int64(0)
	if by.session != nil {
		session, remaining = by.session.id, by.session.deadline-l.cluster.now()
	}
	return wire.AppendError(nil, fmt.Sprintf(`HELD '%s' is held by session %s (token %d) for %d ms more; %d waiting {"name":"%s","mode":"%s","token":"%d","holder":"session %s","session":"%s","owner":"%s","waiter":"%s","remaining_ms":%d,"queued":%d}`,
		name, session, by.token, remaining, l.queued(), name, by.mode, by.token, session, session, by.owner, by.waiter, remaining, l.queued()))
}

func (l *fakeLocks) grant(one *fakeHold) {
	l.cluster.index++
	one.state, one.token = fakeGranted, l.cluster.index
	for _, other := range l.order { // readers of one phase share a token
		if other != one && one.mode == "shared" && other.mode == "shared" && other.state == fakeGranted && other.names[0] == one.names[0] {
			one.token = other.token
		}
	}
	if one.maxHold != 0 {
		one.until = l.cluster.now() + one.maxHold
	}
	if one.session == nil {
		one.until = l.cluster.now() + one.ttl
	}
}

// tell answers what has become of an acquire.
func (l *fakeLocks) tell(one *fakeHold) []byte {
	now := l.cluster.now()
	switch one.state {
	case fakeQueued:
		return appendPairs("queued", int64(l.queued()), "waiter", one.waiter, "name", one.names[0], "now_ms", now, "deadline_ms", one.waitUntil)
	case fakeEnded:
		return append(append([]byte("-"), one.ended()...), "\r\n"...)
	}
	deadline, untilMs := one.until, one.until
	if one.session != nil {
		deadline = one.session.deadline
	} else {
		untilMs = 0
	}
	return appendPairs("token", one.token, "remaining_ms", deadline-now, "now_ms", now, "deadline_ms", deadline, "waiter", one.waiter, "mode", one.mode, "name", one.names[0],
		"count", one.count, "until_ms", untilMs, "permits", one.permits, "limit", one.limit)
}

func (h *fakeHold) ended() string {
	switch h.reason {
	case "timeout":
		return "TIMEOUT the wait is over"
	case "cancelled":
		return "CANCELLED the wait was withdrawn"
	case "deadlock":
		return string(h.afterTheEnd)
	}
	return fmt.Sprintf(`NOTHELD '%s' is not held {"name":"%s","reason":"%s","token":"0"}`, h.names[0], h.names[0], h.reason)
}

// end ends a hold or a wait and lets the next ones in.
func (l *fakeLocks) end(one *fakeHold, reason string) {
	waited := one.state == fakeQueued
	one.state, one.reason = fakeEnded, reason
	if waited && one.subscriber != nil {
		one.subscriber.push("refused", one.names[0], one.waiter, wire.AppendBulk(nil, one.ended()))
	}
	l.pump()
}

// lose ends a hold against its holder's wish.
func (l *fakeLocks) lose(one *fakeHold, reason, why string) *fakeLoss {
	loss := &fakeLoss{hold: one, reason: reason, why: why, until: one.session.deadline}
	one.session.losses = append(one.session.losses, loss)
	for _, name := range one.names {
		l.blocked[name] = loss
	}
	one.state, one.reason = fakeEnded, reason
	return loss
}

func (l *fakeLocks) acknowledge(loss *fakeLoss) {
	for _, name := range loss.hold.names {
		if l.blocked[name] == loss {
			delete(l.blocked, name)
		}
	}
	l.pump()
}

// pump grants what can be granted, in order.
func (l *fakeLocks) pump() {
	for _, one := range l.order {
		if one.state != fakeQueued || l.blocker(one) != nil || l.reserved(one) {
			continue
		}
		l.grant(one)
		if one.session == nil { // the blocking form
			_ = one.subscriber.output.Push(func(to []byte) []byte { return append(to, l.tell(one)...) })
		} else if one.subscriber != nil {
			one.subscriber.push("granted", one.names[0], one.waiter, l.tell(one))
		}
	}
}

// passTime ends what the clock has ended.
func (l *fakeLocks) passTime() {
	now := l.cluster.now()
	for _, session := range l.cluster.sessions {
		if session.deadline <= now {
			l.endSession(session, "session_ended")
		}
	}
	for name, loss := range l.blocked {
		if loss.until <= now {
			delete(l.blocked, name)
		}
	}
	for _, one := range l.order {
		switch {
		case one.state == fakeQueued && one.waitUntil <= now:
			l.end(one, "timeout")
		case one.state == fakeGranted && one.session == nil && one.until <= now:
			l.end(one, "expired")
		case one.state == fakeGranted && one.session != nil && one.until != 0 && one.until <= now:
			l.lose(one, "max_hold", "").until = one.until
		}
	}
	l.pump()
}

func (l *fakeLocks) endSession(session *fakeSession, reason string) {
	delete(l.cluster.sessions, session.id)
	for _, one := range l.order {
		if one.session == session && one.state != fakeEnded {
			one.state, one.reason = fakeEnded, reason
		}
	}
	for _, loss := range session.losses {
		l.acknowledge(loss)
	}
	l.pump()
}

func (l *fakeLocks) find(name, hold string) *fakeHold {
	for _, one := range l.order {
		if one.state == fakeGranted && slices.Contains(one.names, name) && (one.waiter == hold || strconv.FormatInt(one.token, 10) == hold) {
			return one
		}
	}
	return nil
}

func (l *fakeLocks) release(session *fakeSession, words []string) []byte {
	one := l.find(words[1], words[2])
	if one == nil || one.session != session {
		reason := "released"
		if known := l.holds[words[2]]; known != nil {
			reason = known.reason
		}
		return wire.AppendError(nil, fmt.Sprintf(`NOTHELD '%s' is not held with %s {"reason":"%s"}`, words[1], words[2], reason))
	}
	if one.count--; one.count > 0 {
		return wire.AppendInteger(nil, one.count)
	}
	l.end(one, "released")
	return wire.AppendStatus(nil, "OK")
}

func (l *fakeLocks) cancel(session *fakeSession, words []string) []byte {
	one := l.holds[words[2]]
	if words[2] == "NUMBER" {
		number := numberOf(words, "NUMBER")
		if one = l.byNumber(session, number); one == nil {
			session.memory[number] = func() []byte { return wire.AppendError(nil, "CANCELLED it never will run") }
		}
	}
	if one != nil && one.session == session && one.state != fakeEnded {
		one.subscriber = nil
		l.end(one, "cancelled")
	}
	return wire.AppendStatus(nil, "OK")
}

func (l *fakeLocks) await(c *fakeConn, waiter string) []byte {
	one := l.holds[waiter]
	if one == nil {
		return wire.AppendError(nil, "NOTHELD nothing is known of "+waiter)
	}
	if one.state == fakeQueued {
		one.subscriber = c
	}
	return l.tell(one)
}

func (l *fakeLocks) force(words []string) []byte {
	one := l.find(words[1], l.holderOf(words[1]))
	if one == nil {
		return wire.AppendError(nil, "NOTHELD nobody holds it")
	}
	loss := l.lose(one, "forced", optionOf(words, "REASON"))
	if hasOption(words, "NOW") {
		loss.until = 0
		l.acknowledge(loss)
	}
	return appendPairs("ended", int64(1), "until_ms", loss.until, "now_ms", l.cluster.now())
}

func (l *fakeLocks) holderOf(name string) string {
	for _, one := range l.order {
		if one.state == fakeGranted && slices.Contains(one.names, name) {
			return one.waiter
		}
	}
	return ""
}

// runWithoutSession serves leases.
func (l *fakeLocks) runWithoutSession(c *fakeConn, words []string) []byte {
	if words[0] == "LOCK.ACQUIRE" {
		answer, _ := l.acquire(c, nil, words)
		return answer
	}
	if strings.HasPrefix(words[0], "LOCK.R") {
		return l.release(nil, words)
	}
	return wire.AppendError(nil, "ERR what is that?")
}

// renewLease serves LOCK.RENEW.
func (l *fakeLocks) renewLease(words []string) []byte {
	one := l.find(words[1], words[2])
	if one == nil {
		return wire.AppendError(nil, `NOTHELD it is over {"reason":"expired"}`)
	}
	if ttl := numberOf(words, "PX"); ttl != 0 {
		one.ttl = ttl
	}
	one.until = l.cluster.now() + one.ttl
	return l.tell(one)
}
