package fsm

import (
	"cmp"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/ordered"
)

// counts follows the tables so that what is asked often needs no walk over them: how many locks and names there are, and the shortest session TTL.
type counts struct {
	locks       int // names held natively
	names       [command.MaxDatabases]int
	sessionTTLs *ordered.Map[int64, int] // TTL in ms -> live sessions that have it
}

func newCounts() counts { return counts{sessionTTLs: ordered.NewMap[int64, int](cmp.Compare[int64])} }

func (n *counts) name(old, new *row[nameKey, nameRecord]) {
	if old != nil {
		n.names[old.key.database]--
		n.locks -= native(old.value)
	}
	if new != nil {
		n.names[new.key.database]++
		n.locks += native(new.value)
	}
}

func native(record nameRecord) int {
	if record.holding == holdingNative || record.holding == holdingHolds {
		return 1
	}
	return 0
}

func (n *counts) session(old, new *row[command.SessionID, sessionRecord]) {
	oldLives, newLives := old != nil && !old.value.dead, new != nil && !new.value.dead
	if oldLives && newLives && old.value.ttl == new.value.ttl {
		return
	}
	if oldLives {
		n.sessionTTL(old.value.ttl, -1)
	}
	if newLives {
		n.sessionTTL(new.value.ttl, 1)
	}
}

func (n *counts) sessionTTL(ttl int64, change int) {
	sessions, _ := n.sessionTTLs.Get(ttl)
	if sessions += change; sessions == 0 {
		n.sessionTTLs.Delete(ttl)
		return
	}
	n.sessionTTLs.Set(ttl, sessions)
}
