package check

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// What a lease may outlive its time by, beside the time in which nothing was committed.
const (
	// leaderChangeCosts is what docs/guarantees.md allows for each change of the leader: the new one goes on from the last committed instant.
	leaderChangeCosts = 500 * time.Millisecond
	// overdueSlack is for what the harness does not see exactly: it asks each node ten times a second how far it is.
	overdueSlack = 500 * time.Millisecond
	// stillness is from which length on a time in which no node was seen to go on counts as one in which nothing could be committed.
	stillness = 250 * time.Millisecond
	// roundsOfAnEnd is how many entries the end of a lease may have to wait for: the one that is under way when its time comes, and its own.
	roundsOfAnEnd = 2
)

// overdue holds the end of each abandoned lease, in the log, against its time to live after the entry that extended it last. Entries have their instants from the nodes, which were asked again and again how far they are:
// who watches a lease as a client may be cut off, and clocks of nodes may be bent.
func overdue(run *Run) Result {
	leases, err := run.abandonedLeases()
	if err != nil {
		return Result{Verdict: Unknown, Says: err.Error()}
	}
	times := run.times()
	var violations []string
	var late []time.Duration
	open := 0
	for _, one := range leases {
		from, known := times.of(one.extended)
		if !known {
			continue
		}
		until, over := times.last(), false
		if one.hold.EndedIndex > 0 {
			if ended, seen := times.of(one.hold.EndedIndex); seen {
				until, over = ended, true
			}
		}
		still, leaders := times.still(from, until), times.leaders(from, until)
		lives := time.Duration(float64(run.TTL) / (1 - run.ClockTolerance))
		slow := roundsOfAnEnd * run.slowestRound(from+int64(lives), until)
		most := lives + still + slow + time.Duration(leaders)*leaderChangeCosts + overdueSlack
		lived := time.Duration(until - from)
		if over {
			late = append(late, lived-(most-overdueSlack))
		} else {
			open++
		}
		if lived > most {
			how := "it ended"
			if !over {
				how = "it had not ended"
			}
			violations = append(violations, fmt.Sprintf("%s (%s): %s %v after entry %d had extended it at %s; its time to live is %v, nothing was committed for %v of it, slow links or disks cost up to %v, and there were %d new leaders", one.hold.Lock, one.hold.Holder,
				how, lived.Round(time.Millisecond), one.extended, run.seconds(from), run.TTL, still.Round(time.Millisecond), slow.Round(time.Millisecond), leaders))
		}
	}
	says := "no lease ended"
	if len(late) > 0 {
		slices.Sort(late)
		says = fmt.Sprintf("%d abandoned leases ended %v to %v (median %v) after their time, outages, slow links and new leaders; %d had not ended when the run did", len(late), late[0].Round(time.Millisecond),
			late[len(late)-1].Round(time.Millisecond), late[len(late)/2].Round(time.Millisecond), open)
	}
	return found("", "abandoned leases that ended", len(late), says, violations)
}

// abandoned is the hold of a lease and the entry that extended it last.
type abandoned struct {
	hold     *committed.Hold
	extended uint64
}

// abandonedLeases are those of the workload expiry: the first hold of each of its names. Who waits for its end takes the name after it.
func (r *Run) abandonedLeases() ([]*abandoned, error) {
	byName, bySession := map[string]*abandoned{}, map[string][]*abandoned{}
	var leases []*abandoned
	for _, hold := range r.Log.History.Holds {
		name := hold.Lock.Name
		if byName[name] != nil || hold.Lock.Database != 0 || !strings.HasPrefix(name, "expiry/") {
			continue
		}
		one := &abandoned{hold, hold.BeganIndex}
		byName[name] = one
		if hold.Session != "" {
			// Taking a lock extends no session; opening it does, and its id tells in which entry it was opened.
			opened, _, _ := strings.Cut(hold.Session, "-")
			if index, err := strconv.ParseUint(opened, 10, 64); err == nil {
				one.extended = index
			}
			bySession[hold.Session] = append(bySession[hold.Session], one)
		}
		leases = append(leases, one)
	}
	for _, entry := range r.Log.Entries {
		commands, err := commandsOf(entry)
		if err != nil {
			return nil, err
		}
		for _, command := range commands {
			for _, one := range command.extends(byName, bySession) {
				if one.hold.EndedIndex == 0 || entry.Index < one.hold.EndedIndex {
					one.extended = max(one.extended, entry.Index)
				}
			}
		}
	}
	return leases, nil
}

// extends are the leases that a command may have extended.
func (c command) extends(byName map[string]*abandoned, bySession map[string][]*abandoned) (leases []*abandoned) {
	switch c.Kind {
	case "session_renew", "session_keepalive":
		return bySession[c.Session]
	case "lock_renew", "hold_renew":
		if one := byName[c.lock()]; one != nil && one.hold.Session == "" {
			return []*abandoned{one}
		}
	case "script":
		for _, key := range c.Keys {
			if one := byName[textOf(key)]; one != nil {
				leases = append(leases, one)
			}
		}
	}
	return leases
}

// times are the instants at which the log was seen to have come to an index, and at which others were seen to lead.
type times struct {
	reached []reached // both grow
	changes []int64
}

type reached struct {
	at    int64
	index uint64
}

func (r *Run) times() *times {
	t := &times{}
	said := slices.SortedStableFunc(slices.Values(r.Said), func(a, b Said) int { return cmp.Compare(a.At, b.At) })
	for _, one := range said {
		if len(t.reached) == 0 || one.Index > t.reached[len(t.reached)-1].index {
			t.reached = append(t.reached, reached{one.At, one.Index})
		}
	}
	for _, event := range r.Events {
		if event.Type == history.Note && event.Process == Poller && event.Op == OpLeads {
			t.changes = append(t.changes, event.At)
		}
	}
	t.changes = t.changes[min(len(t.changes), 1):] // the first led before anybody asked
	return t
}

// of is when a node was first seen to have run the entry. It had been committed by then. What was there when the first node was asked is known of no instant.
func (t *times) of(index uint64) (at int64, known bool) {
	place, _ := slices.BinarySearchFunc(t.reached, index, func(one reached, wanted uint64) int { return cmp.Compare(one.index, wanted) })
	if place == 0 || place == len(t.reached) {
		return 0, false
	}
	return t.reached[place].at, true
}

// last is the latest instant at which anything was seen to have been committed.
func (t *times) last() int64 {
	if len(t.reached) == 0 {
		return 0
	}
	return t.reached[len(t.reached)-1].at
}

// still is for how long between two instants nothing was committed, or the harness could not look.
func (t *times) still(from, until int64) (total time.Duration) {
	for i := 1; i < len(t.reached); i++ {
		begin, end := t.reached[i-1].at, t.reached[i].at
		if time.Duration(end-begin) > stillness {
			total += time.Duration(max(0, min(end, until)-max(begin, from)))
		}
	}
	return total
}

// slowestRound is how much longer than usual an entry may have taken between two instants because of a fault.
func (r *Run) slowestRound(from, until int64) (slowest time.Duration) {
	for _, one := range r.Slowed {
		if one.From < until && one.Until > from {
			slowest = max(slowest, one.Round)
		}
	}
	return slowest
}

// leaders is how many new leaders there were. That one leads is seen a little later than what it does.
func (t *times) leaders(from, until int64) (count int) {
	for _, at := range t.changes {
		if at > from && at <= until+int64(stillness) {
			count++
		}
	}
	return count
}
