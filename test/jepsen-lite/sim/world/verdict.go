package world

import (
	"fmt"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// judge holds what clients were told against what was committed. It runs after the play, in true time.
func (w *world) judge(report *Report) {
	w.judgeClaims()
	w.judgeLooks()
	w.judgeRenewals()
	w.judgePool()
	w.judgeRegisters(report)
	w.counts["entries"] = len(w.record.entries)
	w.counts["grants"] = len(w.history.claims)
	w.counts["looks"] = len(w.history.looks)
	w.counts["renewals"] = len(w.history.renewals)
}

// find is the ownership with a token: that of a holder, if it has it, or else anybody's.
func (r *record) find(name command.Name, token command.Token, holder string) (found *hold) {
	for _, one := range r.holds[name] {
		if one.token == token && (found == nil || one.holder == holder) {
			found = one
		}
	}
	return found
}

// judgeClaims wants every grant that a client was told of to stand in the log: committed, to it, with this token, not after the answer, and to nobody else.
func (w *world) judgeClaims() {
	type key struct {
		name  command.Name
		token command.Token
	}
	claimed := make(map[key]string)
	for _, one := range w.history.claims {
		switch found := w.record.find(one.name, one.token, one.holder); {
		case found == nil:
			w.violate(durable, "%q was told that it holds %q with token %d, which was never committed", one.holder, one.name.Key, one.token)
		case found.holder != one.holder:
			w.violate(durable, "%q was told that it holds %q with token %d, which belongs to %q", one.holder, one.name.Key, one.token, found.holder)
		case !found.began.mayPrecede(one.answer):
			w.violate(durable, "%q was told that it holds %q with token %d before that was committed", one.holder, one.name.Key, one.token)
		case !found.lasts() && found.ended.order < one.asked.order:
			w.violate(durable, "%q was told that it holds %q with token %d, which had ended before it asked", one.holder, one.name.Key, one.token)
		}
		if found := w.record.find(one.name, one.token, one.holder); found != nil && found.sharedWithOthers() {
			continue // readers share a token, and permits that are granted in one entry do
		}
		k := key{one.name, one.token}
		if other, already := claimed[k]; already && other != one.holder {
			w.violate(durable, "%q and %q were both told that they hold %q with token %d", other, one.holder, one.name.Key, one.token)
		}
		claimed[k] = one.holder
	}
}

// judgeLooks wants every answered read to have been true at some moment between its question and its answer.
func (w *world) judgeLooks() {
	for _, one := range w.history.looks {
		if !w.record.wasTrue(one) {
			w.violate(linearizable, "a read of %q between %s and %s answered %q, which was not so at any moment between", one.name.Key, one.asked.at, one.answer.at, one.value)
		}
	}
}

// wasTrue reports whether a read answered what was so at some moment between. What was committed counts from the moment at which the first machine ran it:
// nobody can be answered from it before, and everybody must be afterwards.
func (r *record) wasTrue(one look) bool {
	versions := append([]version{{}}, r.shown[one.name]...) // at first nobody held anything
	for i, v := range versions {
		isLast := i == len(versions)-1
		if v.value == one.value && v.since.mayPrecede(one.answer) && (isLast || versions[i+1].since.order >= one.asked.order) {
			return true
		}
	}
	return false
}

// gone is the moment at which reads stopped answering a value that has ended.
func (r *record) gone(name command.Name, h *hold) time.Duration {
	versions := r.shown[name]
	for i, v := range versions[:max(len(versions)-1, 0)] {
		if v.value == h.holder {
			return min(versions[i+1].since.at, h.ended.at)
		}
	}
	return h.ended.at
}

// judgeRenewals wants nothing to have ended by time before it could, by any clock that runs as fast as clocks here do.
func (w *world) judgeRenewals() {
	sessions := make(map[command.SessionID]time.Duration)
	for _, one := range w.history.renewals {
		if one.name == (command.Name{}) {
			sessions[one.session] = max(sessions[one.session], one.until)
			continue
		}
		for _, h := range w.record.holds[one.name] {
			if (h.token == one.token || one.value != "" && h.holder == one.value) && h.reason == fsm.ReasonExpired && w.record.gone(one.name, h) < one.until {
				w.violate(expiry, "%q lost %q at %s, which had been promised until %s at least", h.holder, one.name.Key, w.record.gone(one.name, h), one.until)
			}
		}
	}
	for _, end := range w.record.ends {
		if until, promised := sessions[end.session]; promised && end.at.at < until {
			w.violate(expiry, "session %s ended at %s, which had been promised until %s at least", end.session, end.at.at, until)
		}
	}
	for name, holds := range w.record.holds {
		for _, h := range holds {
			if h.reason == fsm.ReasonSessionEnded {
				w.judgeSessionHold(name, h, sessions)
			}
		}
	}
}

// judgeSessionHold wants a hold that ended with its session not to have ended before the session could, unless the client closed it.
func (w *world) judgeSessionHold(name command.Name, h *hold, sessions map[command.SessionID]time.Duration) {
	var id string
	if _, err := fmt.Sscanf(h.holder, "session %s", &id); err != nil {
		return
	}
	session, err := command.ParsePosition(id)
	if err != nil || w.record.closed[session] {
		return
	}
	if until := sessions[session]; h.ended.at < until {
		w.violate(expiry, "%q lost %q at %s, whose session had been promised until %s at least", h.holder, name.Key, h.ended.at, until)
	}
}
