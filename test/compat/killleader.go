package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/compat/beliefs"
	"github.com/coordd/coordd/test/compat/cluster"
	"github.com/coordd/coordd/test/compat/foreign"
	"github.com/coordd/coordd/test/compat/lines"
)

// killLeader is the campaign in which clients work while leaders die.
type killLeader struct {
	duration, interval, down, ttl time.Duration
	loops, names                  int
	// also judges the committed log by what only one campaign wants of it.
	also func(*setup, *committed.History) []string
}

func killLeaderCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	k := &killLeader{}
	selection := set.String("client", "", "the clients to run, separated by commas (redsync means all of redsync-…); all when empty")
	k.addFlags(set, 12)
	return func(ctx context.Context, s *setup) error {
		clients, err := foreign.Select(*selection)
		if err != nil {
			return err
		}
		return k.run(ctx, s, clients)
	}
}

func (k *killLeader) addFlags(set *flag.FlagSet, names int) {
	set.DurationVar(&k.duration, "duration", time.Minute, "how long the campaign goes on")
	set.DurationVar(&k.interval, "interval", 4*time.Second, "from one kill to the next")
	set.DurationVar(&k.down, "down", time.Second, "how long a killed node stays down")
	set.DurationVar(&k.ttl, "ttl", 3*time.Second, "the locks' time to live, where the library has no default of its own")
	set.IntVar(&k.loops, "loops", 2, "how many loops each client runs at once")
	set.IntVar(&k.names, "names", names, "how many locks the clients share")
}

func (k *killLeader) run(ctx context.Context, s *setup, clients []foreign.Client) error {
	usable, skipped, err := s.prepare(ctx, clients)
	if err != nil {
		return err
	}
	servers, err := s.startOwn(ctx)
	if err != nil {
		return err
	}
	workers, err := k.startWorkers(s, servers, usable)
	if err != nil {
		return err
	}
	kills, err := k.killLeaders(ctx, s, servers)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, fmt.Errorf("half a minute after the campaign a client still runs"))
	defer cancel()
	seen, err := k.collect(ctx, workers)
	if err != nil {
		return err
	}
	history, violations, err := readHistory(ctx, s, servers)
	if err != nil {
		return err
	}
	return k.judge(s, usable, skipped, kills, seen, history, violations)
}

func (k *killLeader) startWorkers(s *setup, servers *cluster.Cluster, clients []foreign.Client) ([]*foreign.Worker, error) {
	var workers []*foreign.Worker
	for _, client := range clients {
		order := foreign.Order{
			Address: addressFor(client, servers), Fence: s.fence(), Duration: k.duration, TTL: k.ttl, Loops: k.loops,
			Names: campaignNames(client, k.names),
		}
		worker, err := s.workshop.Start(s.group, client, order)
		if err != nil {
			return nil, err
		}
		workers = append(workers, worker)
	}
	return workers, nil
}

// addressFor is the load balancer's for a client that knows no other, and all nodes' own for coordd's.
func addressFor(client foreign.Client, servers *cluster.Cluster) string {
	if !client.Native {
		return servers.Address
	}
	var addresses []string
	for _, node := range servers.Nodes {
		addresses = append(addresses, node.RedisAddr)
	}
	return strings.Join(addresses, ",")
}

// campaignNames are shared by all clients that compare the holder, whatever
// their library; the others would free those clients' locks.
func campaignNames(client foreign.Client, count int) []string {
	prefix := "job"
	if !client.ComparesHolder {
		prefix = client.Name
	}
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s:%d", prefix, i)
	}
	return names
}

// killLeaders kills the leader again and again and restarts it, and returns
// when each one died.
func (k *killLeader) killLeaders(ctx context.Context, s *setup, servers *cluster.Cluster) ([]time.Time, error) {
	var kills []time.Time
	end := time.Now().Add(k.duration)
	for time.Now().Add(k.interval).Before(end) {
		next := time.Now().Add(k.interval)
		if err := sleepUntil(ctx, next); err != nil {
			return nil, err
		}
		leader, err := servers.Leader(ctx)
		if err != nil {
			return nil, err
		}
		kills = append(kills, time.Now())
		leader.Kill()
		s.printf("%s killed the leader %s\n", time.Now().Format("15:04:05.000"), leader.Name)
		if err := sleepUntil(ctx, time.Now().Add(k.down)); err != nil {
			return nil, err
		}
		if err := leader.Start(); err != nil {
			return nil, err
		}
		if err := servers.WaitReady(ctx); err != nil {
			return nil, err
		}
	}
	return kills, sleepUntil(ctx, end)
}

func sleepUntil(ctx context.Context, when time.Time) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Until(when)):
		return nil
	}
}

// observed is what the clients of a campaign said.
type observed struct {
	beliefs   []beliefs.Belief
	errors    []clientError
	summaries map[string]lines.Line
}

func (k *killLeader) collect(ctx context.Context, workers []*foreign.Worker) (*observed, error) {
	seen := &observed{summaries: map[string]lines.Line{}}
	for _, worker := range workers {
		if err := worker.Process.Wait(ctx); err != nil {
			return nil, err
		}
		said, err := worker.Lines()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", worker.Client.Name, err)
		}
		for _, line := range said {
			switch line.Event {
			case lines.Held:
				seen.beliefs = append(seen.beliefs, beliefs.Belief{Client: worker.Client.Name, ComparesHolder: worker.Client.ComparesHolder, Line: line})
			case lines.Error:
				seen.errors = append(seen.errors, clientError{worker.Client.Name, line})
			case lines.Summary:
				seen.summaries[worker.Client.Name] = line
			}
		}
	}
	return seen, nil
}

// readHistory stops the nodes and judges what they committed. A redis-server
// keeps no such log; then there is only what the clients saw.
func readHistory(ctx context.Context, s *setup, servers *cluster.Cluster) (*committed.History, []string, error) {
	if !servers.IsCoordd {
		return nil, nil, nil
	}
	servers.StopNodes()
	logs := map[string][]committed.Entry{}
	var longest []committed.Entry
	for _, node := range servers.Nodes {
		entries, err := committed.Inspect(ctx, servers.Binary, node.DataDir)
		if err != nil {
			return nil, nil, err
		}
		if len(entries) == 0 {
			return nil, nil, fmt.Errorf("the log of %s is empty", node.Name)
		}
		logs[node.Name] = entries
		if len(longest) == 0 || entries[len(entries)-1].Index > longest[len(longest)-1].Index {
			longest = entries
		}
	}
	history := committed.Judge(longest)
	compared, differing := committed.SameHistory(logs)
	s.printf("\n%d entries were compared between the logs of the nodes\n", compared)
	return history, append(history.Violations, differing...), nil
}

func (k *killLeader) judge(s *setup, clients []foreign.Client, skipped map[string]string, kills []time.Time,
	seen *observed, history *committed.History, violations []string) error {
	s.printf("\n%-22s %9s %9s %9s %9s\n", "client", "attempts", "held", "contended", "errors")
	count := tally{skipped: len(skipped)}
	for _, client := range clients {
		sum := seen.summaries[client.Name]
		s.printf("%-22s %9d %9d %9d %9d\n", client.Name, sum.Attempts, sum.Held, sum.Contended, sum.Errors)
		count.add(sum.Held > 0)
	}
	for name, reason := range skipped {
		s.printf("%-22s skipped: %s\n", name, reason)
	}
	if history == nil {
		history = &committed.History{}
		for i := range seen.beliefs {
			seen.beliefs[i].Line.Token, seen.beliefs[i].Line.Holder = 0, ""
		}
		s.printf("\nA redis-server keeps no committed log: only the clients' own intervals were compared.\n")
	} else {
		printHistory(s, history)
		if k.also != nil {
			violations = append(violations, k.also(s, history)...)
		}
	}
	violations = append(violations, beliefs.Judge(history, seen.beliefs)...)
	s.printf("\nThe leader was killed %d times. Clients held a lock %d times.\n", len(kills), len(seen.beliefs))
	for _, violation := range firstFew(violations) {
		s.printf("  VIOLATION %s\n", violation)
	}
	s.printf("Promises broken: %d\n", len(violations))
	explained := explain(seen.errors, kills, history)
	explained.print(s)
	if len(violations) > 0 || len(explained.unexplained) > 0 {
		count.failed++
	}
	if len(kills) == 0 {
		return fmt.Errorf("the campaign was too short for a single kill")
	}
	return count.end(s)
}

func printHistory(s *setup, history *committed.History) {
	s.printf("\nThe committed log: entries %d to %d, %d holds", history.FirstIndex, history.LastIndex, len(history.Holds))
	for reason, number := range history.Reasons() {
		s.printf(", %d %s", number, reason)
	}
	s.printf("\n")
	if history.FirstIndex > 1 {
		s.printf("  note: the entries before %d had been compacted away and were not judged\n", history.FirstIndex)
	}
}
