package pools

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

// verdict is what one judge says.
type verdict struct {
	name       string
	says       string
	seen       int
	violations []string
}

// judge holds everything against everything, says what it finds, and comes to a verdict.
func (c *campaign) judge(ctx context.Context) (check.Verdict, error) {
	logs := map[string][]committed.Entry{}
	var longest []committed.Entry
	for _, node := range c.nodes.Nodes() {
		entries, err := committed.Inspect(ctx, c.place.Binary, node.DataDir)
		if err != nil {
			return "", err
		}
		logs[node.Name] = entries
		if len(entries) > len(longest) {
			longest = entries
		}
	}
	writes, err := readStoreLog(c.storeLog())
	if err != nil {
		return "", err
	}
	compared, differing := committed.SameHistory(logs)
	ledger := committed.JudgePool(longest, poolName)
	events := c.fleet.said()
	verdicts := []verdict{
		{"one history", fmt.Sprintf("%d entries compared between nodes", compared), compared, differing},
		oneOwner(ledger),
		c.storesOrder(writes),
		writesUnderGrants(writes, ledger),
		c.beliefs(events),
		c.reowned(),
		c.rolling(ledger),
		c.traffic(events),
		nodeLogs(c.nodes.Nodes()),
	}
	if c.plan.Early > 0 {
		early := earlyEnds(longest)
		verdicts = append(verdicts, verdict{"early ends", fmt.Sprintf("%d sessions ended before their TTL had passed", early), early, nil})
	}
	if c.plan.Duplicate {
		verdicts = append(verdicts, verdict{"one process an id", fmt.Sprintf("%d second processes under a live worker's id were told that it is in use", c.found.twins-len(c.found.twinsIn)), c.found.twins, c.found.twinsIn})
	}
	if c.plan.Gossip == GossipCut {
		verdicts = append(verdicts, verdict{"gossip was cut", fmt.Sprintf("%d datagrams vanished", c.found.lost), int(c.found.lost), nil})
	}
	if c.plan.Gossip == GossipRogue && c.plan.Early > 0 {
		verdicts = append(verdicts, verdict{"lies were heard", fmt.Sprintf("%d times gossip showed a worker as dead that lived", c.lies.seen()), c.lies.seen(), nil})
	}
	if c.plan.Gossip == GossipRogue || c.found.stopped > 0 {
		c.printf("%d times a node ended by itself and was started again", c.found.stopped)
	}
	return c.tell(verdicts), nil
}

const mostViolations = 10

func (c *campaign) tell(verdicts []verdict) check.Verdict {
	whole := []check.Verdict{check.Valid}
	fmt.Fprintf(c.place.Say, "\n%s; %d workers restarted one after the other\n\n", c.found.summary(), c.found.rolled)
	for _, one := range verdicts {
		word := check.Valid
		switch {
		case len(one.violations) > 0:
			word = check.Invalid
		case one.seen == 0:
			word = check.Unknown // what was never tried proves nothing
		}
		whole = append(whole, word)
		fmt.Fprintf(c.place.Say, "%-20s %-8s %s\n", one.name, word, one.says)
		for i, violation := range one.violations {
			if i == mostViolations {
				fmt.Fprintf(c.place.Say, "    and %d more\n", len(one.violations)-i)
				break
			}
			fmt.Fprintf(c.place.Say, "    VIOLATION %s\n", violation)
		}
	}
	for _, problem := range c.found.problems {
		fmt.Fprintln(c.place.Say, "problem:", problem)
		whole = append(whole, check.Unknown)
	}
	fmt.Fprintf(c.place.Say, "logs: %s\n", c.place.Out)
	return check.Worst(whole...)
}

// earlyEnds counts the sessions that ended before their TTL had passed, as they had agreed to.
func earlyEnds(entries []committed.Entry) (count int) {
	for _, entry := range entries {
		for _, event := range entry.Events {
			if event.Type == "session_ended" && event.Reason == "ended_early" {
				count++
			}
		}
	}
	return count
}

// oneOwner is what the log itself says.
func oneOwner(of *committed.PoolHistory) verdict {
	return verdict{"one owner", fmt.Sprintf("%d grants in %d entries of the log, each after the end of the one before", len(of.Granted), of.Entries), len(of.Granted), of.Violations}
}

// storesOrder reads the store's log again: whatever it took, it had not taken a larger token for that partition before.
func (c *campaign) storesOrder(writes []write) verdict {
	v := verdict{name: "no stale write"}
	marks := map[uint32]uint64{}
	refused, late := 0, 0
	for _, w := range writes {
		if w.Accepted == 0 {
			refused++
			if w.How == howLate {
				late++
			}
			if w.Token >= marks[w.Partition] {
				v.violations = append(v.violations, fmt.Sprintf("the store refused token %d for partition %d, and had seen none larger than %d", w.Token, w.Partition, marks[w.Partition]))
			}
			continue
		}
		v.seen++
		if w.Token < marks[w.Partition] {
			v.violations = append(v.violations, fmt.Sprintf("the store took token %d of %s for partition %d after token %d", w.Token, workerID(int(w.Worker)), w.Partition, marks[w.Partition]))
		}
		marks[w.Partition] = max(marks[w.Partition], w.Token)
	}
	v.says = fmt.Sprintf("%d writes were taken; %d stale ones were refused, %d of these late on purpose", v.seen, refused, late)
	if refused == 0 {
		v.seen = 0 // then nothing shows that the store refuses
	}
	return v
}

// writesUnderGrants looks for each write's token in the committed log.
func writesUnderGrants(writes []write, of *committed.PoolHistory) verdict {
	v := verdict{name: "writes by owners"}
	routed := 0
	for _, w := range writes {
		if w.Accepted == 0 {
			continue
		}
		v.seen++
		if w.How == howRouted {
			routed++
		}
		if owner := of.Granted[committed.Grant{Partition: int(w.Partition), Token: int64(w.Token)}]; owner != workerID(int(w.Worker)) {
			v.violations = append(v.violations, fmt.Sprintf("%s wrote to partition %d with token %d, which the log granted to %q", workerID(int(w.Worker)), w.Partition, w.Token, owner))
		}
	}
	v.says = fmt.Sprintf("%d writes, %d of them for the router, each under a token that the log grants to the worker that wrote", v.seen, routed)
	return v
}

// beliefs holds what workers believed against each other: none was sure of a partition after another had been told that it has it. A process that was stopped may have been: it is told when it wakes.
func (c *campaign) beliefs(events []Event) verdict {
	v := verdict{name: "beliefs of workers"}
	assigned := map[int][]Event{}
	for _, event := range events {
		switch event.Kind {
		case KindAssigned:
			assigned[event.Partition] = append(assigned[event.Partition], event)
		case KindViolation:
			v.violations = append(v.violations, event.Text)
		}
	}
	for _, event := range events {
		if event.Kind != KindRevoked || event.Alive == 0 {
			continue
		}
		v.seen++
		for _, other := range assigned[event.Partition] {
			if other.Token > event.Token && other.At < event.Alive && !c.wasPaused(event.Process, event.Alive) {
				v.violations = append(v.violations, fmt.Sprintf("%s was sure of partition %d (token %d) %v after %s was given it with token %d",
					event.Worker, event.Partition, event.Token, time.Duration(event.Alive-other.At), other.Worker, other.Token))
			}
		}
	}
	v.says = fmt.Sprintf("%d ownerships ended before the next worker was told", v.seen)
	return v
}

func (c *campaign) wasPaused(process string, at int64) bool {
	return slices.ContainsFunc(c.fleet.paused[process], func(p pause) bool { return p.from <= at && at <= p.to })
}

// reowned judges how long partitions were without a living owner.
func (c *campaign) reowned() verdict {
	v := verdict{name: "orphans", seen: len(c.found.orphans)}
	var spans []time.Duration
	worst := map[string]time.Duration{}
	for _, one := range c.found.orphans {
		if one.limit == c.plan.TTL+reownedWithin {
			spans = append(spans, one.after)
		}
		worst[one.harm] = max(worst[one.harm], one.after)
		if one.after > one.limit {
			v.violations = append(v.violations, fmt.Sprintf("partition %d was without another owner for %v (%s); the limit is %v", one.partition, one.after.Round(time.Millisecond), one.harm, one.limit.Round(time.Millisecond)))
		}
	}
	slices.Sort(spans)
	if len(spans) > 0 {
		v.says = fmt.Sprintf("%d partitions of workers that died or stopped; with a TTL of %v%s others had them after %.2f s at the median, %.2f s at most (with the leader killed too: %.2f s)",
			len(c.found.orphans), c.plan.TTL, c.early(), spans[len(spans)/2].Seconds(), spans[len(spans)-1].Seconds(), worst["kill a worker and the leader"].Seconds())
	}
	return v
}

// nodeLogs looks for crashes: a node that ends by itself is started again, which would hide them.
func nodeLogs(nodes []*cluster.Node) verdict {
	var logs []string
	for _, node := range nodes {
		logs = append(logs, node.Log())
	}
	return crashesIn(logs)
}

func crashesIn(logs []string) verdict {
	result := check.NodeLogs(&check.Run{NodeLogs: logs})
	v := verdict{name: "node logs", says: result.Says, violations: result.Violations}
	if result.Verdict != check.Unknown {
		v.seen = len(logs)
	}
	return v
}

// early says to what the sessions agreed.
func (c *campaign) early() string {
	if c.plan.Early == 0 {
		return ""
	}
	return fmt.Sprintf(" and an early end after %v", c.plan.Early)
}

// rolling looks in the log for partitions that another got while workers were restarted.
func (c *campaign) rolling(of *committed.PoolHistory) verdict {
	v := verdict{name: "rolling restart", seen: c.found.rolled}
	for _, moved := range of.Moved(c.found.owners, c.found.before, c.found.after) {
		v.violations = append(v.violations, moved)
	}
	v.says = fmt.Sprintf("%d workers restarted under their ids; %d of %d partitions moved", c.found.rolled, len(v.violations), c.plan.Partitions)
	return v
}

// traffic judges the router's own words. A request whose worker died has no answer; one that was answered must have been executed by the owner.
func (c *campaign) traffic(events []Event) verdict {
	v := verdict{name: "router"}
	var last Stats
	for _, event := range events {
		if event.Kind == KindStats {
			last = *event.Stats
		}
	}
	rate := float64(last.Lookups) / max(last.Span.Seconds(), 1e-9)
	v.seen = int(last.Done)
	v.says = fmt.Sprintf("%.0f lookups a second; %d requests executed by owners, %d without an answer, %d fenced; the slowest took %.2f s", rate, last.Done, last.Failed, last.Refused, last.Slowest.Seconds())
	if rate < 0.95*float64(c.plan.Lookups) {
		c.found.problems = append(c.found.problems, fmt.Sprintf("the router looked up %.0f keys a second, not %d: the machine was too slow for this plan", rate, c.plan.Lookups))
	}
	return v
}
