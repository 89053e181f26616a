package world

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// record is what the cluster committed, as its machines ran it.
type record struct {
	world *world

	mu      sync.Mutex
	twin    *fsm.Machine
	last    uint64        // the highest index that any node ran
	base    command.Token // token = base + index
	entries map[uint64]*entry
	holds   map[command.Name][]*hold                   // of each name, in the order of the log
	queues  map[command.Name]map[command.WaiterID]bool // who waits
	owners  map[command.Name]map[string]bool           // who has held it under an owner id that is used once
	pool    poolRecord
	ends    []sessionEnd
	closed  map[command.SessionID]bool // by their clients
	read    []command.Name             // names that clients read
	shown   map[command.Name][]version
}

// version is what a read of a name answers from a moment on, until the next version.
type version struct {
	value string // empty: nobody holds it
	since moment
}

// entry is one entry of the log, as the first node that ran it did.
type entry struct {
	term    uint64
	data    uint64 // hash
	applied fsm.Applied
	chain   uint64 // of the state after it
}

// hold is one ownership of a name. Moments are those at which the first node ran the entry.
type hold struct {
	token        command.Token
	holder       string
	mode         string // of a native hold
	began, ended moment // ended is zero while it lasts
	reason       string
}

// sessionEnd is a session that ended by its deadline.
type sessionEnd struct {
	session command.SessionID
	at      moment
}

func newRecord(w *world) *record {
	return &record{
		world: w, twin: fsm.New(), entries: make(map[uint64]*entry), holds: make(map[command.Name][]*hold), queues: make(map[command.Name]map[command.WaiterID]bool),
		owners: make(map[command.Name]map[string]bool), pool: newPoolRecord(), closed: make(map[command.SessionID]bool), read: readNames(), shown: make(map[command.Name][]version),
	}
}

// told is the OnApplied of a node.
func (r *record) told(node int, index, term uint64, data []byte, applied fsm.Applied) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hash := xxhash.Sum64(data)
	if index <= r.last {
		r.compare(node, index, term, hash, applied)
		return
	}
	known := &entry{term: term, data: hash, applied: r.twin.Apply(index, term, data)}
	_, known.chain = r.twin.Hash()
	r.entries[index], r.last = known, index
	r.world.fingerprint("applied", index, term, uint64(len(data)), known.chain)
	r.world.tell("node %d ran index %d of term %d first: now %d", node, index, term, known.applied.Now)
	r.compare(node, index, term, hash, applied)
	at := r.world.now()
	r.follow(index, data, known.applied, at)
	r.show(at)
}

// compare holds what a node ran against what was run before at this index.
func (r *record) compare(node int, index, term, data uint64, applied fsm.Applied) {
	known := r.entries[index]
	switch {
	case known == nil:
		r.world.violate(agreement, "node %d ran a command at index %d, where the others ran none", node, index)
	case known.term != term || known.data != data:
		r.world.violate(agreement, "node %d ran another entry at index %d (term %d) than the others (term %d)", node, index, term, known.term)
	case !sameApplied(known.applied, applied):
		r.world.violate(agreement, "node %d answered differently at index %d: %+v instead of %+v", node, index, applied, known.applied)
	}
}

// sameApplied compares all that the outcome of an entry decides; texts of errors may differ.
func sameApplied(a, b fsm.Applied) bool {
	if a.Index != b.Index || a.Now != b.Now || a.TermMatched != b.TermMatched || len(a.Events) != len(b.Events) || (a.Fatal == nil) != (b.Fatal == nil) {
		return false
	}
	for i := range a.Events {
		if !reflect.DeepEqual(a.Events[i], b.Events[i]) {
			return false
		}
	}
	return sameReplies(a.Replies, b.Replies)
}

func sameReplies(a, b []command.Reply) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Type != b[i].Type || a[i].Code != b[i].Code || a[i].Integer != b[i].Integer || string(a[i].Text) != string(b[i].Text) || !sameReplies(a[i].Elements, b[i].Elements) {
			return false
		}
	}
	return true
}

// follow keeps who holds what, and checks what must be true at every index.
func (r *record) follow(index uint64, data []byte, applied fsm.Applied, at moment) {
	decoded, err := command.DecodeEntry(data)
	if err != nil {
		return
	}
	if r.checkTerm(index, decoded.Term, applied); !applied.TermMatched {
		return
	}
	r.enqueue(index, decoded.Commands, applied)
	r.followPool(index, decoded.Commands, applied, at)
	served := make(map[command.Name]command.WaiterID)
	for _, event := range applied.Events {
		switch event.Type {
		case fsm.EventQueued:
			r.queue(event.Name)[event.Waiter] = true
		case fsm.EventWaiterGone:
			delete(r.queue(event.Name), event.Waiter)
		case fsm.EventWaiterGranted:
			served[event.Name] = event.Waiter
		case fsm.EventSessionEnded:
			if event.Reason == fsm.ReasonExpired {
				r.ends = append(r.ends, sessionEnd{event.Session, at})
			} else {
				r.closed[event.Session] = true
			}
		}
	}
	transferred := make(map[command.Name]bool)
	for _, event := range applied.Events {
		switch event.Type {
		case fsm.EventEnded:
			r.end(index, event, at)
			r.checkWish(index, event, decoded.Commands)
			transferred[event.Name] = event.Reason == fsm.ReasonTransferred
		case fsm.EventBegan:
			r.begin(index, event, at)
			if transferred[event.Name] {
				delete(r.queue(event.Name), event.Waiter) // out of turn, at the wish of whoever led
			} else {
				waiter := served[event.Name]
				if r.queue(event.Name)[event.Waiter] {
					waiter = event.Waiter // several may be served in one entry
				}
				r.checkLine(index, event, waiter)
			}
		}
	}
}

// checkTerm wants nothing to have been run of an entry that was stamped in another term than Raft gave it: its instant is that of a clock that counts no more.
func (r *record) checkTerm(index, stamped uint64, applied fsm.Applied) {
	if term := r.entries[index].term; stamped != term {
		r.world.count("entries of another term")
		if applied.TermMatched {
			r.world.violate(agreement, "an entry that was stamped in term %d was run at index %d, in term %d", stamped, index, term)
		}
	}
}

// enqueue notes who came to wait in this entry: the answer to an acquire says so.
func (r *record) enqueue(index uint64, commands []command.Command, applied fsm.Applied) {
	for i, c := range commands {
		acquire, ok := c.Op.(command.LockAcquire)
		if !ok || applied.Replies[i].Type != command.ReplyMap {
			continue
		}
		if id, err := command.ParsePosition(text(applied.Replies[i], "waiter")); err == nil && integer(applied.Replies[i], "queued") > 0 && id.Index == index {
			r.queue(command.Name{Key: acquire.Name})[id] = true
		}
	}
}

func (r *record) queue(name command.Name) map[command.WaiterID]bool {
	if r.queues[name] == nil {
		r.queues[name] = make(map[command.WaiterID]bool)
	}
	return r.queues[name]
}

// show notes what reads answer from now on. What has come to its deadline is gone for a read before the entry that ends it, so the state is asked.
func (r *record) show(at moment) {
	ops := make([]command.Op, len(r.read))
	for i, name := range r.read {
		ops[i] = command.Get{Name: name}
	}
	answers, _ := r.twin.Read(r.twin.Now(), ops)
	for i, name := range r.read {
		value, versions := valueOf(answers[i]), r.shown[name]
		if len(versions) == 0 || versions[len(versions)-1].value != value {
			r.shown[name] = append(versions, version{value, at})
		}
	}
}

// valueOf is what a read found. A native hold answers with another opaque value each time; here it is one.
func valueOf(reply command.Reply) string {
	if value := string(reply.Text); !strings.HasPrefix(value, command.ReservedPrefix+"held:") {
		return value
	}
	return "(held natively)"
}

// permits is how many holders a semaphore has at most here.
const permits = 3

// begin notes a new owner. It is the only one of its name, unless it shares the name as others do, and its token is its entry's index and larger than all before.
func (r *record) begin(index uint64, event fsm.Event, at moment) {
	holds := r.holds[event.Name]
	var others []*hold
	for _, one := range holds {
		if one.lasts() {
			others = append(others, one)
		}
	}
	r.checkCompany(index, event, others)
	r.checkToken(index, event, holds, others)
	if strings.HasPrefix(event.Owner, onceOwner) {
		if r.owners[event.Name] == nil {
			r.owners[event.Name] = make(map[string]bool)
		}
		if r.owners[event.Name][event.Holder] {
			r.world.violate(exactlyOnce, "%q was granted %q a second time, at index %d", event.Holder, event.Name.Key, index)
		}
		r.owners[event.Name][event.Holder] = true
	}
	r.holds[event.Name] = append(holds, &hold{token: event.Token, holder: event.Holder, mode: event.Mode, began: at})
}

// checkCompany wants that a new holder may be beside those who hold the name already.
func (r *record) checkCompany(index uint64, event fsm.Event, others []*hold) {
	for _, one := range others {
		if event.Mode == one.mode && one.sharedWithOthers() {
			continue
		}
		r.world.violate(exclusion, "%q has two holders at index %d: %q (token %d) and %q", event.Name.Key, index, one.holder, one.token, event.Holder)
	}
	if event.Mode == command.Semaphore.String() && len(others) >= permits {
		r.world.violate(exclusion, "semaphore %q of %d has one holder more at index %d: %q", event.Name.Key, permits, index, event.Holder)
	}
}

// checkToken wants the token of a new holder to be its entry's index and larger than all before; who joins readers has theirs.
func (r *record) checkToken(index uint64, event fsm.Event, holds, others []*hold) {
	if event.Mode == command.Shared.String() && len(others) > 0 {
		if event.Token != others[0].token {
			r.world.violate(tokens, "%q joined the readers of %q at index %d with token %d instead of theirs, %d", event.Holder, event.Name.Key, index, event.Token, others[0].token)
		}
		return
	}
	if event.Token != r.base+command.Token(index) {
		r.world.violate(tokens, "the token of %q granted at index %d is %d", event.Name.Key, index, event.Token)
	}
	if len(holds) == 0 {
		return
	}
	last := holds[len(holds)-1]
	if last.token > event.Token || last.token == event.Token && event.Mode != command.Semaphore.String() {
		r.world.violate(tokens, "the tokens of %q went from %d to %d at index %d", event.Name.Key, last.token, event.Token, index)
	}
}

// end notes that an owner has gone.
func (r *record) end(index uint64, event fsm.Event, at moment) {
	for _, one := range slices.Backward(r.holds[event.Name]) {
		if one.lasts() && one.token == event.Token && one.holder == event.Holder {
			one.ended, one.reason = at, event.Reason
			return
		}
	}
	r.world.violate(exclusion, "%q lost the holder %q with token %d at index %d that it did not have", event.Name.Key, event.Holder, event.Token, index)
}

// checkWish wants a hold that was released to have been released by whoever held it.
func (r *record) checkWish(index uint64, event fsm.Event, commands []command.Command) {
	if event.Reason != fsm.ReasonReleased || event.Mode == "" {
		return
	}
	for _, c := range commands {
		op := c.Op
		if numbered, ok := op.(command.Numbered); ok {
			op = numbered.Op
		}
		switch op := op.(type) {
		case command.LockRelease:
			if op.Session == event.Session && op.Token == event.Token {
				return
			}
		case command.HoldRelease:
			if op.By.Session == event.Session && (op.Hold.Token == event.Token || op.Hold.Waiter == event.Waiter) {
				return
			}
		}
	}
	r.world.violate(exclusion, "%q held %q with token %d until index %d, where somebody else released it", event.Holder, event.Name.Key, event.Token, index)
}

// checkLine wants that whoever begins is the first in line, when there is a line. served is the waiter who was granted, zero when the new owner did not wait.
func (r *record) checkLine(index uint64, event fsm.Event, served command.WaiterID) {
	line := r.queue(event.Name)
	delete(line, served)
	for waiter := range line {
		if waiter.Index < index && (served.IsZero() || waiter.Compare(served) < 0) {
			r.world.violate(fifo, "%q overtook waiter %s in the line for %q at index %d", event.Holder, waiter, event.Name.Key, index)
		}
	}
}

// sharedWithOthers reports that the hold is one of a mode of which several may be at once.
func (h *hold) sharedWithOthers() bool {
	return h.mode == command.Shared.String() || h.mode == command.Semaphore.String()
}

func (h *hold) lasts() bool { return h.ended == moment{} }

// chainAt is the hash of the state after an index; ok is false when no command stands there.
func (r *record) chainAt(index uint64) (chain uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.entries[index]
	if known == nil {
		return 0, false
	}
	return known.chain, true
}

// newest is the highest index that any node ran.
func (r *record) newest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// text and integer read a field of a map.
func text(reply command.Reply, field string) string { return string(value(reply, field).Text) }

func integer(reply command.Reply, field string) int64 { return value(reply, field).Integer }

func value(reply command.Reply, field string) command.Reply {
	for i := 0; i+1 < len(reply.Elements); i += 2 {
		if string(reply.Elements[i].Text) == field {
			return reply.Elements[i+1]
		}
	}
	return command.Reply{}
}
