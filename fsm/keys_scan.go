package fsm

import (
	"math"
	"strconv"

	"github.com/coordd/coordd/fsm/command"
)

// maxKeysReply bounds what KEYS answers; beyond it SCAN is the way.
const maxKeysReply = 100_000

// cursorShift makes cursors of the upper 53 bits of a hash, since some clients keep them in floating-point numbers.
const cursorShift = 64 - 53

// visible reports whether a row counts as an existing name.
func (v *view) visible(key nameKey, record nameRecord) bool { return !v.judge(key, record).absent() }

// settleClock makes a read of many names wait for every deadline that the clock has passed.
func (v *view) settleClock() {
	if v.clock > v.s.now {
		v.s.deadlines.before(deadlineKey{at: v.clock.Add(1)}, func(key deadlineKey, _ none) bool {
			v.passed(key.at)
			return key.at > v.clock
		})
	}
}

// scan walks the names of a database in the order of their hashes. The cursor is the hash to go on from, so names that come and go do not move it.
func (v *view) scan(op command.Scan) command.Reply {
	v.settleClock()
	limit := min(max(op.Count, 1), command.MaxScanCount)
	var names []command.Reply
	var next, last uint64
	var visited int64
	if op.Cursor >= 1<<(64-cursorShift) {
		return command.Array(text("0"), command.Array()) // none of ours
	}
	from := nameKey{database: op.Database, hash: op.Cursor << cursorShift}
	v.s.names.from(from, func(key nameKey, record nameRecord) bool {
		if key.database != op.Database {
			return false
		}
		// Names of one cursor are never split over two calls, or the second would be lost.
		cursor := key.hash >> cursorShift
		if visited >= limit && cursor != last {
			next = cursor
			return false
		}
		visited, last = visited+1, cursor
		if (op.OfType == "" || op.OfType == "string") && v.visible(key, record) && (op.Match == "" || globMatch(op.Match, key.key)) {
			names = append(names, text(key.key))
		}
		return true
	})
	return command.Array(text(strconv.FormatUint(next, 10)), command.Array(names...))
}

func (v *view) keys(op command.Keys) command.Reply {
	v.settleClock()
	var names []command.Reply
	v.eachVisible(op.Database, func(key string) bool {
		if globMatch(op.Match, key) {
			names = append(names, text(key))
		}
		return len(names) <= maxKeysReply
	})
	if len(names) > maxKeysReply {
		return command.Errorf(command.CodeLimit, "more than %d names match; walk them with SCAN", maxKeysReply)
	}
	return command.Array(names...)
}

func (v *view) size(op command.DatabaseSize) command.Reply {
	v.settleClock()
	if at, any := v.s.nextDeadline(); v.s.dying.len() == 0 && (!any || at > v.s.now) {
		return command.Integer(int64(v.s.counts.names[op.Database])) // nothing has ended that still has a row
	}
	var count int64
	v.eachVisible(op.Database, func(string) bool { count++; return count < math.MaxInt64 })
	return command.Integer(count)
}

func (v *view) eachVisible(database uint8, yield func(key string) bool) {
	v.s.names.from(nameKey{database: database}, func(key nameKey, record nameRecord) bool {
		if key.database != database {
			return false
		}
		return !v.visible(key, record) || yield(key.key)
	})
}

// globMatch is Redis' pattern: * ? [a-c] [^a] and \ before a literal. It goes back only to the last star, so a hostile pattern costs at most length
// times length.
func globMatch(pattern, text string) bool {
	p, t := 0, 0
	starAt, starText := -1, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			starAt, starText = p, t
			p++
			continue
		}
		if p < len(pattern) {
			if size, ok := matchOne(pattern[p:], text[t]); ok {
				p, t = p+size, t+1
				continue
			}
		}
		if starAt < 0 {
			return false
		}
		starText++
		p, t = starAt+1, starText
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches one character against the first element of a pattern and answers the element's length.
func matchOne(pattern string, c byte) (size int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == c
		}
	case '[':
		return matchClass(pattern, c)
	}
	return 1, pattern[0] == c
}

// matchClass matches a bracket expression. One that is never closed ends with the pattern, as in Redis.
func matchClass(pattern string, c byte) (size int, ok bool) {
	i := 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	found := false
	for i < len(pattern) && pattern[i] != ']' {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			found = found || pattern[i+1] == c
			i += 2
		case i+2 < len(pattern) && pattern[i+1] == '-':
			low, high := min(pattern[i], pattern[i+2]), max(pattern[i], pattern[i+2])
			found = found || low <= c && c <= high
			i += 3
		default:
			found = found || pattern[i] == c
			i++
		}
	}
	return min(i+1, len(pattern)), found != negated
}
