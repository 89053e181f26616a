package client

import (
	"context"
	"time"
)

// hold is one hold of a session as the cluster sees it. A reentrant one may stand behind several [Held].
type hold struct {
	session *Session
	grant   grant
	owner   string
	ctx     context.Context
	end     context.CancelCauseFunc

	// With the session's mutex held:
	handles  int           // Helds that were not released
	deadline time.Duration // by max hold, on the client's clock; 0: none
	loss     *LostError    // what the cluster said of its end; nil while it said nothing
}

// holds are the holds of a session, by their waiters' ids. Its methods are called with the session's mutex held.
type holds struct {
	of             map[string]*hold
	owners         map[ownerOf]struct{} // who holds or asks for what, where the owner was named by the program
	unacknowledged map[string]struct{}  // losses that can be acknowledged
	strangers      map[string]*LostError
	strangerOrder  []string
}

// ownerOf is an owner's interest in a name.
type ownerOf struct{ owner, name string }

func newHolds() holds {
	return holds{of: map[string]*hold{}, owners: map[ownerOf]struct{}{}, unacknowledged: map[string]struct{}{}, strangers: map[string]*LostError{}}
}

func (h *holds) acknowledge(waiter string) { h.unacknowledged[waiter] = struct{}{} }

// strange keeps the loss of a hold that is not known here: the answer that grants it may still be on its way, and must not be believed then.
func (h *holds) strange(waiter string, loss *LostError) {
	if _, known := h.strangers[waiter]; known {
		return
	}
	h.strangers[waiter] = loss
	h.strangerOrder = append(h.strangerOrder, waiter)
	if len(h.strangerOrder) > maxStrangeLost {
		delete(h.strangers, h.strangerOrder[0])
		h.strangerOrder = h.strangerOrder[1:]
	}
}

// measure reckons the deadlines of holds with a new comparison of the clocks. Each comparison gives a moment before the true one, so the latest is the best.
func (h *holds) measure(clock leaseClock, known reading) {
	for _, one := range h.of {
		if one.grant.untilMs != 0 {
			one.deadline = max(one.deadline, clock.deadline(known, one.grant.untilMs))
		}
	}
}

// over are the holds whose own deadline has passed.
func (h *holds) over(now time.Duration) (over []*hold) {
	for _, one := range h.of {
		if one.grant.untilMs != 0 && one.deadline <= now && one.ctx.Err() == nil {
			over = append(over, one)
		}
	}
	return over
}

// next is the nearest deadline that is still to come.
func (h *holds) next(deadline time.Duration) time.Duration {
	for _, one := range h.of {
		if one.grant.untilMs != 0 && one.ctx.Err() == nil {
			deadline = min(deadline, one.deadline)
		}
	}
	return deadline
}

// lost is the cause of this hold's end for a reason that was found here.
func (h *hold) lost(reason LossReason) *LostError {
	return &LostError{Session: h.session.id, Name: h.grant.names[0], Token: h.grant.token, Reason: reason}
}

// adopt makes a Held of a grant. It fails when the session or the hold has ended already.
func (s *Session) adopt(a *acquisition, granted grant) (*Held, error) {
	if ended := s.err(); ended != nil {
		return nil, ended
	}
	defer s.look()
	s.mu.Lock()
	defer s.mu.Unlock()
	if loss := s.holds.strangers[granted.waiter]; loss != nil {
		return nil, loss
	}
	one := s.holds.of[granted.waiter]
	if one == nil {
		one = &hold{session: s, grant: granted, owner: a.owner}
		one.ctx, one.end = context.WithCancelCause(s.ctx)
		s.holds.of[granted.waiter] = one
		if granted.untilMs != 0 {
			one.deadline = s.client.clock.deadline(s.known, granted.untilMs)
		}
	}
	if one.loss != nil {
		return nil, one.loss
	}
	one.handles++
	held := &Held{hold: one, released: make(chan struct{}), named: a.named}
	held.ctx, held.end = context.WithCancelCause(one.ctx)
	return held, nil
}

// drop takes a handle off a hold. last tells that there is none left, and loss what the cluster said of the hold's end.
func (h *hold) drop() (last bool, loss *LostError) {
	s := h.session
	s.mu.Lock()
	defer s.mu.Unlock()
	h.handles--
	return h.handles == 0, h.loss
}

// forget ends a hold that has no handle left and is over on the cluster.
func (h *hold) forget() {
	s := h.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holds.of[h.grant.waiter] == h && h.handles == 0 {
		delete(s.holds.of, h.grant.waiter)
		h.end(ErrReleased)
	}
}

// claim takes note that an owner that the program named takes a name, and refuses that it does so twice.
func (s *Session) claim(a *acquisition) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !a.named || a.options.reentrant {
		return nil
	}
	for _, name := range a.names {
		if _, taken := s.holds.owners[ownerOf{a.owner, name}]; taken {
			return &HeldError{Name: name, Holder: "this owner already", Session: s.id, Owner: a.owner}
		}
	}
	for _, name := range a.names {
		s.holds.owners[ownerOf{a.owner, name}] = struct{}{}
	}
	return nil
}

// unclaim lets the owner take the names again.
func (s *Session) unclaim(owner string, names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		delete(s.holds.owners, ownerOf{owner, name})
	}
}
