package committed

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Grant is one ownership of a partition of a pool.
type Grant struct {
	Partition int
	Token     int64
}

// PoolHistory is who owned what in a pool, by the log.
type PoolHistory struct {
	// Granted is the worker of each ownership.
	Granted map[Grant]string
	// Entries is how many entries changed the pool's table.
	Entries int
	// Violations are the promises that the log breaks.
	Violations []string

	rows   []poolRow
	byPart map[int][]poolRow
}

// poolRow is one change of a partition.
type poolRow struct {
	index   uint64
	version int64
	Assignment
}

// poolCommand is what is read of a command of the log.
type poolCommand struct {
	Kind     string `json:"kind"`
	Pool     string `json:"pool"`
	Worker   string `json:"worker"`
	Releases []struct {
		Partition int   `json:"partition"`
		Token     int64 `json:"token"`
	} `json:"releases"`
	Command *poolCommand `json:"command"` // of a numbered one
}

// workerEndings are the reasons in events of workers for which all that a worker owned ends at once.
var workerEndings = []string{"lost", "left", "restarts", "taken_over", "evicted", "expired"}

// JudgePool follows a pool through the log. It knows none of the machine's rules but this: an ownership ends when its worker acknowledges it under its token, or when the worker itself ends; and the tokens of
// a partition only rise.
func JudgePool(entries []Entry, pool string) *PoolHistory {
	judge := poolJudge{history: &PoolHistory{Granted: map[Grant]string{}, byPart: map[int][]poolRow{}}, pool: pool, now: map[int]Assignment{}}
	for _, entry := range entries {
		judge.enter(entry)
	}
	return judge.history
}

type poolJudge struct {
	history *PoolHistory
	pool    string
	now     map[int]Assignment // by partition
}

func (j *poolJudge) violation(format string, arguments ...any) {
	j.history.Violations = append(j.history.Violations, fmt.Sprintf(format, arguments...))
}

func (j *poolJudge) enter(entry Entry) {
	changes := slices.DeleteFunc(slices.Clone(entry.Pools), func(change PoolChange) bool { return change.Pool != j.pool })
	if len(changes) == 0 {
		return
	}
	j.history.Entries++
	acknowledged, gone := j.ends(entry)
	for _, change := range changes {
		for _, next := range change.Partitions {
			j.follow(entry.Index, next, acknowledged, gone)
			row := poolRow{entry.Index, change.Version, next}
			j.history.rows = append(j.history.rows, row)
			j.history.byPart[next.Partition] = append(j.history.byPart[next.Partition], row)
		}
	}
}

// ends are the ownerships that workers of the pool give back in an entry, and the workers that end in it.
func (j *poolJudge) ends(entry Entry) (acknowledged map[Grant]string, gone map[string]bool) {
	acknowledged, gone = map[Grant]string{}, map[string]bool{}
	for _, event := range entry.Events {
		if event.Type == "pool_worker" && event.Pool == j.pool && slices.Contains(workerEndings, event.Reason) {
			gone[event.Worker] = true
		}
	}
	for _, raw := range entry.Commands {
		var one poolCommand
		if err := json.Unmarshal(raw, &one); err != nil {
			j.violation("entry %d has a command that cannot be read: %v", entry.Index, err)
			continue
		}
		if one.Command != nil {
			one = *one.Command
		}
		if one.Kind == "pool_acknowledge" && one.Pool == j.pool {
			for _, release := range one.Releases {
				acknowledged[Grant{release.Partition, release.Token}] = one.Worker
			}
		}
	}
	return acknowledged, gone
}

// follow judges one change of a partition.
func (j *poolJudge) follow(index uint64, next Assignment, acknowledged map[Grant]string, gone map[string]bool) {
	p, before := next.Partition, j.now[next.Partition]
	same := next.Owner == before.Owner && next.Token == before.Token
	if before.Owner != "" && !same && acknowledged[Grant{p, before.Token}] != before.Owner && !gone[before.Owner] {
		j.violation("entry %d: partition %d goes from %s (token %d) to %q (token %d), and %s has neither given it back nor ended", index, p, before.Owner, before.Token, next.Owner, next.Token, before.Owner)
	}
	switch {
	case next.Owner != "" && !same && next.Token <= before.Token:
		j.violation("entry %d: partition %d is granted to %s with token %d after token %d", index, p, next.Owner, next.Token, before.Token)
	case next.Token < before.Token:
		j.violation("entry %d: partition %d has forgotten token %d for %d", index, p, before.Token, next.Token)
	}
	j.now[p] = next
	if next.Owner != "" {
		j.history.Granted[Grant{p, next.Token}] = next.Owner
	}
}

// At is a partition in the table of a version; known is false when the log does not tell, since it begins later.
func (h *PoolHistory) At(partition int, version int64) (found Assignment, known bool) {
	for _, row := range h.byPart[partition] {
		if row.version > version {
			break
		}
		found, known = row.Assignment, true
	}
	return found, known
}

// Moved tells which partitions another than their owner, by partition, got between two versions of the pool.
func (h *PoolHistory) Moved(owners []string, before, after int64) (moved []string) {
	for _, one := range h.rows {
		if one.version > before && one.version <= after && one.Owner != "" && one.Owner != owners[one.Partition] {
			moved = append(moved, fmt.Sprintf("entry %d gave partition %d of %s to %s", one.index, one.Partition, owners[one.Partition], one.Owner))
		}
	}
	return moved
}
