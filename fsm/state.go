package fsm

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/canonical"
)

type none struct{}

// deletionBuckets is how many marks tell WATCH that absent names were present in between. Two names in one bucket can only make a transaction fail
// that need not have: never the other way round.
const deletionBuckets = 1024

// state is all that the machine knows: scalars and tables. Everything in it comes from the log, so equal logs make equal states.
type state struct {
	journal

	index       uint64          // last entry applied
	term        uint64          // of that entry
	now         command.Instant // replicated time
	clockOffset int64           // Unix time in ms = now + clockOffset
	tokenBase   uint64          // token = tokenBase + index
	chain       uint64          // the hash chain over what every entry left behind
	clusterID   string
	clusterName string

	names      *table[nameKey, nameRecord]
	waiters    *table[waiterKey, waiterRecord]
	sessions   *table[command.SessionID, sessionRecord]
	results    *table[resultKey, resultRecord]
	belongings *table[belongingKey, none]
	deadlines  *table[deadlineKey, none]
	pending    *table[nameKey, none]           // free names whose next grant waits for the next entry
	dying      *table[command.SessionID, none] // ended sessions that still have something to give back
	deletions  *table[uint32, uint64]          // bucket of a name -> revision of the newest deletion in it
	settings   *table[string, string]
	scripts    *table[string, scriptRecord]
	scriptAges *table[uint64, string]
	holdTables
	earlyEnds *table[command.SessionID, int64] // live session that agreed to an early end -> how long it must be silent before, in ms
	poolTables

	counts    counts      // follows the tables, and is not coded
	forgotten []resultKey // memory for forget
}

func newState() *state {
	s := &state{counts: newCounts()}
	j := &s.journal
	s.names = newTable(j, 1, compareNames, func(c *canonical.Coder, k *nameKey, v *nameRecord) {
		codeNameKey(c, k)
		codeNameRecord(c, v)
	})
	s.waiters = newTable(j, 2, compareWaiters, func(c *canonical.Coder, k *waiterKey, v *waiterRecord) {
		codeWaiterKey(c, k)
		codeWaiterRecord(c, v)
	})
	s.sessions = newTable(j, 3, command.Position.Compare, func(c *canonical.Coder, k *command.SessionID, v *sessionRecord) {
		codePosition(c, k)
		codeSessionRecord(c, v)
	})
	s.results = newTable(j, 4, compareResults, func(c *canonical.Coder, k *resultKey, v *resultRecord) {
		codeResultKey(c, k)
		codeResultRecord(c, v)
	})
	s.results.hashed = hashResult
	s.belongings = newTable(j, 5, compareBelongings, func(c *canonical.Coder, k *belongingKey, _ *none) { codeBelongingKey(c, k) })
	s.deadlines = newTable(j, 6, compareDeadlines, func(c *canonical.Coder, k *deadlineKey, _ *none) { codeDeadlineKey(c, k) })
	s.pending = newTable(j, 7, compareNames, func(c *canonical.Coder, k *nameKey, _ *none) { codeNameKey(c, k) })
	s.dying = newTable(j, 8, command.Position.Compare, func(c *canonical.Coder, k *command.SessionID, _ *none) { codePosition(c, k) })
	s.deletions = newTable(j, 9, cmp.Compare[uint32], func(c *canonical.Coder, k *uint32, v *uint64) {
		c.Uint32(k)
		c.Uint(v)
	})
	s.settings = newTable(j, 10, strings.Compare, func(c *canonical.Coder, k *string, v *string) {
		c.Text(k)
		c.Text(v)
	})
	s.scripts = newTable(j, 11, strings.Compare, func(c *canonical.Coder, k *string, v *scriptRecord) {
		c.Text(k)
		c.Data(&v.source)
		c.Uint(&v.age)
	})
	s.scriptAges = newTable(j, 12, cmp.Compare[uint64], func(c *canonical.Coder, k *uint64, v *string) {
		c.Uint(k)
		c.Text(v)
	})
	s.holdTables = newHoldTables(j)
	s.earlyEnds = newTable(j, 21, command.Position.Compare, func(c *canonical.Coder, k *command.SessionID, v *int64) {
		codePosition(c, k)
		c.Int(v)
	})
	s.poolTables = newPoolTables(j)
	s.names.watch = s.counts.name
	s.sessions.watch = s.counts.session
	return s
}

// tables lists every table, in the order in which they lie in a snapshot.
func (s *state) tables() []anyTable {
	first := []anyTable{s.names, s.waiters, s.sessions, s.results, s.belongings, s.deadlines, s.pending, s.dying, s.deletions, s.settings, s.scripts, s.scriptAges}
	return slices.Concat(first, s.holdTables.list(), []anyTable{s.earlyEnds}, s.poolTables.list())
}

// nextRevision gives a revision that no name had before.
func (s *state) nextRevision() uint64 {
	s.revision++
	return s.revision
}

// token is what a grant of the running entry is given.
func (s *state) token() command.Token { return command.Token(s.tokenBase + s.index) }

func deletionBucket(key nameKey) uint32 { return uint32(key.hash % deletionBuckets) }

// revisionOf is the number that changes whenever the name does.
func (s *state) revisionOf(key nameKey) uint64 {
	if record, ok := s.names.get(key); ok && record.holding != holdingNone {
		return record.revision
	}
	mark, _ := s.deletions.get(deletionBucket(key))
	return mark
}

// lifeOf is when a holding ends by itself, as far as the state knows now (0 for never), and whether it has. Everything that a session holds ends with it. Native
// holds with rows of their own are judged there; in what look answers of them, deadline is the end of the last.
func (s *state) lifeOf(record nameRecord) (deadline command.Instant, ended bool) {
	if record.holding == holdingNative && !record.session.IsZero() {
		session, ok := s.sessions.get(record.session)
		return session.deadline, !ok || session.ended(s.now)
	}
	return record.deadline, record.deadline != 0 && record.deadline <= s.now
}

// alive reports whether a session exists and its time is not over.
func (s *state) alive(id command.SessionID) bool {
	session, ok := s.sessions.get(id)
	return ok && !session.ended(s.now)
}

// unixMilliseconds is the Unix time of a replicated instant.
func (s *state) unixMilliseconds(at command.Instant) int64 { return int64(at.Add(s.clockOffset)) }

// extendChain closes an entry: the chain then covers everything that the state holds.
func (s *state) extendChain() {
	s.settleSum()
	s.chain = link(s.chain, s.index, uint64(s.now), uint64(s.clockOffset), s.tokenBase, s.revision, xxhash.Sum64String(s.clusterID), xxhash.Sum64String(s.clusterName), s.sum)
}
