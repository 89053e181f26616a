package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/test/compat/cluster"
	"github.com/coordd/coordd/test/compat/resp"
)

// batching measures how many commands share a log entry or a read round.
type batching struct {
	clients, rounds int
	atLeast         float64
	run             int64
}

func batchingCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	b := &batching{run: time.Now().UnixMilli()}
	set.IntVar(&b.clients, "clients", 256, "how many clients work at once")
	set.IntVar(&b.rounds, "rounds", 40, "how often each client goes through its program")
	set.Float64Var(&b.atLeast, "at-least", 20, "fail when fewer commands share a log entry or read round")
	return b.start
}

func (b *batching) start(ctx context.Context, s *setup) error {
	servers, err := s.start(ctx)
	if err != nil {
		return err
	}
	count := tally{}
	for _, part := range []struct {
		name string
		run  func(context.Context, *setup, *cluster.Cluster) (int, []string, error)
	}{{"polling one held key", b.poll}, {"taking and releasing keys of their own", b.takeAndRelease}} {
		before, err := readCounters(ctx, servers)
		if err != nil {
			return err
		}
		began := time.Now()
		commands, wrong, err := part.run(ctx, s, servers)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		took := time.Since(began)
		after, err := readCounters(ctx, servers)
		if err != nil {
			return err
		}
		count.add(b.report(s, part.name, commands, took, after.minus(before), wrong))
	}
	return count.end(s)
}

func (b *batching) report(s *setup, name string, commands int, took time.Duration, used counters, wrong []string) bool {
	s.printf("\n%d clients %s: %d commands in %v (%.0f/s)\n", b.clients, name, commands,
		took.Round(time.Millisecond), float64(commands)/took.Seconds())
	for _, text := range firstFew(wrong) {
		s.printf("  WRONG %s\n", text)
	}
	if used == nil {
		s.printf("  these servers have no counters of entries and rounds\n")
		return len(wrong) == 0
	}
	shared := used["coordd_log_entries_total"] + used["coordd_read_rounds_total"]
	perBatch := float64(commands) / max(1, shared)
	s.printf("  counters: %.0f commands, %.0f log entries, %.0f read rounds: %.1f commands per entry or round (at least %.0f wanted)\n",
		used["coordd_commands_total"], used["coordd_log_entries_total"], used["coordd_read_rounds_total"], perBatch, b.atLeast)
	return len(wrong) == 0 && perBatch >= b.atLeast
}

// poll lets every client ask for a lock that somebody else holds.
func (b *batching) poll(ctx context.Context, s *setup, servers *cluster.Cluster) (int, []string, error) {
	name := fmt.Sprintf("batching:%d:held", b.run)
	holder, err := resp.Dial(ctx, servers.Address)
	if err != nil {
		return 0, nil, err
	}
	defer holder.Close()
	if _, err := holder.Do("SET", name, "holder", "NX", "PX", "600000"); err != nil {
		return 0, nil, err
	}
	program := func(client int) [][]string {
		return slices.Repeat([][]string{{"SET", name, strconv.Itoa(client), "NX", "PX", "30000"}}, b.rounds*4)
	}
	transcripts, err := b.together(ctx, servers.Address, program)
	if err != nil {
		return 0, nil, err
	}
	var wrong []string
	commands := 0
	for client, transcript := range transcripts {
		commands += len(transcript)
		for _, answer := range transcript {
			if answer != "nil($)" {
				wrong = append(wrong, fmt.Sprintf("client %d was answered %s, want nil", client, answer))
			}
		}
	}
	if value, err := holder.Do("GET", name); err != nil || value.Text != "holder" {
		wrong = append(wrong, fmt.Sprintf("GET of the held key: got %s (%v), want \"holder\"", value, err))
	}
	return commands, wrong, nil
}

// takeAndRelease lets every client go through a program on keys of its own,
// all at once, and compares with the same programs run one command at a time.
func (b *batching) takeAndRelease(ctx context.Context, s *setup, servers *cluster.Cluster) (int, []string, error) {
	together, err := b.together(ctx, servers.Address, b.program("together"))
	if err != nil {
		return 0, nil, err
	}
	oracle, against := servers.Address, "the same cluster"
	if redis, err := cluster.StartRedis(ctx, s.group, s.work, "one-at-a-time"); err == nil {
		oracle, against = redis.Address, "redis-server"
	}
	conn, err := resp.Dial(ctx, oracle)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	var wrong []string
	commands := 0
	for client, transcript := range together {
		commands += len(transcript)
		alone, err := play(conn, b.program("alone")(client))
		if err != nil {
			return 0, nil, err
		}
		if difference := firstDifference(transcript, alone); difference >= 0 {
			wrong = append(wrong, fmt.Sprintf("client %d, command %d: got %s; one at a time on %s it is %s",
				client, difference, transcript[difference], against, alone[difference]))
		}
	}
	return commands, wrong, nil
}

const deleteIfMine = `if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`

// program is what one client does, with one answer each that does not depend
// on the others.
func (b *batching) program(phase string) func(client int) [][]string {
	return func(client int) [][]string {
		key := fmt.Sprintf("batching:%d:%s:%d", b.run, phase, client)
		holder := "holder-" + strconv.Itoa(client)
		return slices.Repeat([][]string{
			{"SET", key, holder, "NX", "PX", "60000"},
			{"SET", key, "intruder", "NX", "PX", "60000"},
			{"PEXPIRE", key, "90000"},
			{"EVAL", deleteIfMine, "1", key, "intruder"},
			{"GET", key},
			{"EVAL", deleteIfMine, "1", key, holder},
			{"EXISTS", key},
			{"INCR", key + ":count"},
		}, b.rounds)
	}
}

// together runs every client's program at the same time, each on a connection
// of its own, and returns the answers.
func (b *batching) together(ctx context.Context, address string, program func(client int) [][]string) ([][]string, error) {
	transcripts := make([][]string, b.clients)
	failures := make([]error, b.clients)
	connections := make([]*resp.Conn, b.clients)
	for client := range connections {
		conn, err := resp.Dial(ctx, address)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		connections[client] = conn
	}
	var wait sync.WaitGroup
	for client, conn := range connections {
		wait.Go(func() { transcripts[client], failures[client] = play(conn, program(client)) })
	}
	wait.Wait()
	for client, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("client %d: %w", client, err)
		}
	}
	return transcripts, nil
}

func play(conn *resp.Conn, program [][]string) ([]string, error) {
	answers := make([]string, 0, len(program))
	for _, command := range program {
		value, err := conn.Do(command...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(command, " "), err)
		}
		answers = append(answers, value.String())
	}
	return answers, nil
}

func firstDifference(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// counters are the Prometheus counters of the cluster.
type counters map[string]float64

func (c counters) minus(before counters) counters {
	if c == nil {
		return nil
	}
	difference := counters{}
	for name, value := range c {
		difference[name] = value - before[name]
	}
	return difference
}

// appliedCounters are counted by every node alike, since every node runs every
// entry; the others count what one node did.
var appliedCounters = []string{"coordd_commands_total", "coordd_log_entries_total"}

// readCounters reads what the nodes count: the most that any node counts of
// what all of them run, and the sum of the rest. Servers without metrics have nil.
func readCounters(ctx context.Context, servers *cluster.Cluster) (counters, error) {
	if !servers.IsCoordd || len(servers.Nodes) == 0 {
		return nil, nil
	}
	total := counters{}
	for _, node := range servers.Nodes {
		text, err := node.Metrics(ctx)
		if err != nil {
			return nil, err
		}
		of := counters{}
		if err := of.add(text); err != nil {
			return nil, fmt.Errorf("%s: %w", node.Name, err)
		}
		for name, value := range of {
			if slices.Contains(appliedCounters, name) {
				total[name] = max(total[name], value)
			} else {
				total[name] += value
			}
		}
	}
	for _, name := range append([]string{"coordd_read_rounds_total"}, appliedCounters...) {
		if _, known := total[name]; !known {
			return nil, fmt.Errorf("no node counts %s", name)
		}
	}
	return total, nil
}

// add adds the counters of one node, over all their labels.
func (c counters) add(text string) error {
	scanner := bufio.NewScanner(strings.NewReader(text))
	for scanner.Scan() {
		line := scanner.Text()
		if strings.HasPrefix(line, "#") || !strings.HasPrefix(line, "coordd_") {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		name, _, _ := strings.Cut(line[:max(space, 0)], "{")
		value, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			return fmt.Errorf("the metric %q has no number: %w", line, err)
		}
		c[name] += value
	}
	return scanner.Err()
}
