package fsm

import (
	"errors"
	"fmt"
	"sync"

	"github.com/coordd/coordd/fsm/command"
)

// Machine is one replica of the state. Apply is called by one goroutine, in log order; everything else may be called from any goroutine meanwhile.
type Machine struct {
	mu     sync.RWMutex
	state  *state
	hashes hashHistory
	entry  entryContext

	effects effects // of the command that runs

	// Not state: nothing that Apply does depends on them.
	gone     goneWaiters
	programs programs
}

// New makes a machine with an empty state, before the first entry of a log.
func New() *Machine { return &Machine{state: newState()} }

// Applied is what one entry did.
type Applied struct {
	Index       uint64
	Now         command.Instant
	TermMatched bool            // false: the entry was sealed in another term than Raft gave it, and nothing of it was run
	Replies     []command.Reply // one for each command; ReplyAgain means: not run, propose it anew under the same request id
	Events      []Event
	Fatal       error // the node must stop, with this sentence: going on would make its state another one
}

// entryContext is what lasts for one entry.
type entryContext struct {
	granted map[nameKey]none // names that got an exclusive owner in this entry, whether or not it is still there
	blocked map[lane]none    // lanes with a command that was answered "again": their later commands are too
	events  []Event
	fatal   error // an op of a format that this build does not know
}

// reset starts another entry. The maps keep their memory; the events of the last entry belong to whoever got them.
func (c *entryContext) reset() {
	clear(c.granted)
	clear(c.blocked)
	c.events, c.fatal = make([]Event, 0, len(c.events)), nil
}

// grant notes that a name got an owner.
func (c *entryContext) grant(key nameKey) {
	if c.granted == nil {
		c.granted = make(map[nameKey]none)
	}
	c.granted[key] = none{}
}

// hasGranted reports whether a name got an owner in this entry.
func (c *entryContext) hasGranted(key nameKey) bool {
	_, already := c.granted[key]
	return already
}

// block lets the later commands of a lane wait for the next entry, so that they keep their order.
func (c *entryContext) block(from lane) {
	if c.blocked == nil {
		c.blocked = make(map[lane]none)
	}
	c.blocked[from] = none{}
}

func (c *entryContext) isBlocked(from lane) bool {
	_, blocked := c.blocked[from]
	return blocked && from.number != 0
}

// lane is a connection of a node: the node's session and its number there.
type lane struct {
	session command.SessionID
	number  uint64
}

// Apply runs the entry that Raft committed at this index in this term. Its outcome depends on nothing but the state and its arguments.
func (m *Machine) Apply(index, term uint64, data []byte) Applied {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry, err := command.DecodeEntry(data)
	var unknown *command.UnknownFormatError
	if errors.As(err, &unknown) {
		return Applied{Index: index, Now: m.state.now, Fatal: fmt.Errorf("log index %d: %w", index, err)}
	}
	s := m.state
	s.index, s.term = index, term
	applied := Applied{Index: index, TermMatched: err == nil && entry.Term == term}
	applied.Replies = make([]command.Reply, len(entry.Commands))
	if applied.TermMatched {
		applied.Fatal = m.run(entry, applied.Replies)
		applied.Events = m.entry.events
		m.gone.notice(applied.Events)
	} else {
		for i := range applied.Replies {
			applied.Replies[i] = command.Again()
		}
	}
	applied.Now = s.now
	s.extendChain()
	m.hashes.add(index, s.chain)
	return applied
}

// run carries out a whole entry. It returns an error only when this machine turns out to differ from its leader's.
func (m *Machine) run(entry command.Entry, replies []command.Reply) error {
	s := m.state
	s.now = max(s.now, entry.Now)
	m.entry.reset()
	m.grantPending()
	m.grantPools()
	for i, c := range entry.Commands {
		if tick, ok := c.Op.(command.Tick); ok {
			if err := m.hashes.check(tick, s.index); err != nil {
				return err
			}
		}
		replies[i] = m.runCommand(c, uint32(i))
		if m.entry.fatal != nil {
			return m.entry.fatal
		}
	}
	return nil
}

// Now is the replicated instant of the applied state.
func (m *Machine) Now() command.Instant {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.now
}

// AppliedIndex is the log index of the last entry that the machine ran.
func (m *Machine) AppliedIndex() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.index
}

// Hash is the log index of the last entry applied and the hash chain over all changes of the state up to it.
func (m *Machine) Hash() (index, hash uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.index, m.state.chain
}

// ClockOffset is Unix time minus replicated time, in milliseconds.
func (m *Machine) ClockOffset() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.clockOffset
}

// Identity is the cluster's id and name; empty before the first entry.
func (m *Machine) Identity() (clusterID, clusterName string) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.clusterID, m.state.clusterName
}

// NextDeadline is the nearest instant at which something ends by itself.
func (m *Machine) NextDeadline() (at command.Instant, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.nextDeadline()
}

// HasWork reports that an Expire command would do something at once: grants are pending, ends are due, or a session's locks are being released.
func (m *Machine) HasWork() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := m.state
	at, ok := s.nextDeadline()
	return s.pending.len() > 0 || s.poolsWait.len() > 0 || s.dying.len() > 0 || ok && at <= s.now
}

// SessionAlive reports whether the session exists and its time is not over.
func (m *Machine) SessionAlive(id command.SessionID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state.alive(id)
}

// SmallestSessionTTL is the shortest TTL of a live session in milliseconds; ok is false when there is none.
func (m *Machine) SmallestSessionTTL() (milliseconds int64, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	milliseconds, _, ok = m.state.counts.sessionTTLs.Min()
	return milliseconds, ok
}

// Counts is how many sessions, names held natively, names and waiters there are, those included whose end has come and is not carried out yet.
func (m *Machine) Counts() (sessions, locks, names, waiters int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := m.state
	return s.sessions.len(), s.counts.locks, s.names.len(), s.waiters.len()
}

func (s *state) nextDeadline() (command.Instant, bool) {
	key, _, ok := s.deadlines.first()
	return key.at, ok
}
