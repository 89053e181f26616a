package command

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Instant is a point of replicated time in milliseconds. It is not Unix time: it starts near zero with the cluster, moves only with log entries, and
// stands still while nothing can commit. See fsm.Machine for how the two are related.
type Instant int64

// Add returns the instant so many milliseconds later (earlier when negative), saturating instead of overflowing.
func (i Instant) Add(milliseconds int64) Instant {
	sum := i + Instant(milliseconds)
	switch {
	case milliseconds > 0 && sum < i:
		return math.MaxInt64
	case milliseconds < 0 && sum > i:
		return math.MinInt64
	}
	return sum
}

// Position names something by the log entry that made it and its place among the commands of that entry. Only fencing tokens may use the bare index,
// because one entry holds many commands (safety case S3).
type Position struct {
	Index  uint64 // log index of the entry
	Offset uint32 // place of the command in the entry, from 0
}

// IsZero reports whether the position names nothing.
func (p Position) IsZero() bool { return p == Position{} }

// String writes the position as people see it, for example "812-3".
func (p Position) String() string { return fmt.Sprintf("%d-%d", p.Index, p.Offset) }

// Compare orders positions by when they came to be: negative, zero or positive.
func (p Position) Compare(other Position) int {
	switch {
	case p.Index < other.Index, p.Index == other.Index && p.Offset < other.Offset:
		return -1
	case p == other:
		return 0
	}
	return 1
}

// ParsePosition reads what String wrote.
func ParsePosition(text string) (Position, error) {
	index, offset, found := strings.Cut(text, "-")
	i, errIndex := strconv.ParseUint(index, 10, 64)
	o, errOffset := strconv.ParseUint(offset, 10, 32)
	if !found || errIndex != nil || errOffset != nil {
		return Position{}, fmt.Errorf("%q is not an id of the form index-position, such as 812-3", text)
	}
	return Position{Index: i, Offset: uint32(o)}, nil
}

// SessionID names a session by the open command that made it.
type SessionID = Position

// WaiterID names one place in a queue by the acquire command that took it.
type WaiterID = Position

// Token is a fencing token: tokenBase + the log index of the entry that granted. 0 is no token.
type Token uint64

// Request identifies one request of one session, so that a retry has at most one effect. The zero Request is anonymous: such a command
// is run each time it is committed, so only the leader's own housekeeping uses it.
type Request struct {
	Session  SessionID
	Number   uint64 // grows by every new request of the session, from 1
	LowWater uint64 // the client has every answer up to and including this number; they are forgotten, and such numbers never run again
}

// IsZero reports whether the request is anonymous.
func (r Request) IsZero() bool { return r.Session.IsZero() }

// Name is a key or lock: a database and a binary-safe string. Native locks live in database 0.
type Name struct {
	Database uint8
	Key      string
}

// Compare orders names by database and bytes: negative, zero or positive.
func (n Name) Compare(other Name) int {
	if n.Database != other.Database {
		return int(n.Database) - int(other.Database)
	}
	return strings.Compare(n.Key, other.Key)
}

// Command is one command as it stands in the log.
type Command struct {
	Request Request
	Lane    uint64 // the connection, numbered by its node; commands of one lane keep their order. 0 for none
	Op      Op
}

// Entry is one log entry: commands sealed together under one stamp.
type Entry struct {
	Term     uint64 // the term in which the leader sealed it; when Raft gave it another, nothing of it runs (safety case S2)
	Now      Instant
	Commands []Command
}
