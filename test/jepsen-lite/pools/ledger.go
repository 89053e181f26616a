package pools

import (
	"encoding/json"
	"fmt"

	"github.com/coordd/coordd/internal/committed"
)

// grant is one ownership of a partition.
type grant struct {
	partition int
	token     int64
}

// ledger is who owned what, by the committed log.
type ledger struct {
	granted    map[grant]string
	entries    int
	early      int // sessions that ended before their TTL had passed, as they had agreed to
	rows       []row
	violations []string
}

// row is one change of a partition.
type row struct {
	index, version int64
	partition      int
	owner          string
	token          int64
}

// command is what the ledger needs of a command of the log.
type command struct {
	Kind     string `json:"kind"`
	Pool     string `json:"pool"`
	Worker   string `json:"worker"`
	Releases []struct {
		Partition int   `json:"partition"`
		Token     int64 `json:"token"`
	} `json:"releases"`
	Command *command `json:"command"` // of a numbered one
}

// endings are the reasons in events of workers for which all that a worker owned ends at once.
var endings = map[string]bool{"lost": true, "left": true, "restarts": true, "taken_over": true, "evicted": true, "expired": true}

// readLedger follows a pool through the log. It knows none of the machine's rules but this: an ownership ends when its worker acknowledges it under its token, or when the worker itself ends; and no token comes twice.
func readLedger(entries []committed.Entry, pool string) *ledger {
	l := &ledger{granted: map[grant]string{}}
	owners, tokens := map[int]string{}, map[int]int64{}
	for _, entry := range entries {
		l.early += earlyEnds(entry)
		changes := changesOf(entry, pool)
		if len(changes) == 0 {
			continue
		}
		l.entries++
		acknowledged, gone := l.ends(entry, pool)
		for _, change := range changes {
			for _, a := range change.Partitions {
				l.follow(entry.Index, a, owners, tokens, acknowledged, gone)
				l.rows = append(l.rows, row{int64(entry.Index), change.Version, a.Partition, a.Owner, a.Token})
			}
		}
	}
	return l
}

func earlyEnds(entry committed.Entry) (count int) {
	for _, event := range entry.Events {
		if event.Type == "session_ended" && event.Reason == "ended_early" {
			count++
		}
	}
	return count
}

func changesOf(entry committed.Entry, pool string) (changes []committed.PoolChange) {
	for _, change := range entry.Pools {
		if change.Pool == pool {
			changes = append(changes, change)
		}
	}
	return changes
}

// ends are the ownerships that workers of the pool give back in an entry, and the workers that end in it.
func (l *ledger) ends(entry committed.Entry, pool string) (acknowledged map[grant]string, gone map[string]bool) {
	acknowledged, gone = map[grant]string{}, map[string]bool{}
	for _, event := range entry.Events {
		if event.Type == "pool_worker" && event.Pool == pool && endings[event.Reason] {
			gone[event.Worker] = true
		}
	}
	for _, raw := range entry.Commands {
		var one command
		if err := json.Unmarshal(raw, &one); err != nil {
			l.violations = append(l.violations, fmt.Sprintf("entry %d has a command that cannot be read: %v", entry.Index, err))
			continue
		}
		if one.Command != nil {
			one = *one.Command
		}
		if one.Kind == "pool_acknowledge" && one.Pool == pool {
			for _, release := range one.Releases {
				acknowledged[grant{release.Partition, release.Token}] = one.Worker
			}
		}
	}
	return acknowledged, gone
}

// follow judges one change of a partition.
func (l *ledger) follow(index uint64, now committed.Assignment, owners map[int]string, tokens map[int]int64, acknowledged map[grant]string, gone map[string]bool) {
	p := now.Partition
	owner, token := owners[p], tokens[p]
	same := now.Owner == owner && now.Token == token
	if owner != "" && !same && acknowledged[grant{p, token}] != owner && !gone[owner] {
		l.violations = append(l.violations, fmt.Sprintf("entry %d: partition %d goes from %s (token %d) to %q (token %d), and %s has neither given it back nor ended", index, p, owner, token, now.Owner, now.Token, owner))
	}
	switch {
	case now.Owner != "" && !same && now.Token <= token:
		l.violations = append(l.violations, fmt.Sprintf("entry %d: partition %d is granted to %s with token %d after token %d", index, p, now.Owner, now.Token, token))
	case now.Token < token:
		l.violations = append(l.violations, fmt.Sprintf("entry %d: partition %d has forgotten token %d for %d", index, p, token, now.Token))
	}
	owners[p], tokens[p] = now.Owner, now.Token
	if now.Owner != "" {
		l.granted[grant{p, now.Token}] = now.Owner
	}
}

func (l *ledger) oneOwner() verdict {
	return verdict{"one owner", fmt.Sprintf("%d grants in %d entries of the log, each after the end of the one before", len(l.granted), l.entries), len(l.granted), l.violations}
}

// moved tells which partitions another than their owner got between two versions of the pool.
func (l *ledger) moved(owners []string, before, after int64) (moved []string) {
	for _, one := range l.rows {
		if one.version > before && one.version <= after && one.owner != "" && one.owner != owners[one.partition] {
			moved = append(moved, fmt.Sprintf("entry %d gave partition %d of %s to %s", one.index, one.partition, owners[one.partition], one.owner))
		}
	}
	return moved
}
