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
	oracle, against := servers.Address, "the same cluster"
	if redis, err := cluster.StartRedis(ctx, s.group, s.work, "one-at-a-time"); err == nil {
		oracle, against = redis.Address, "redis-server"
	}
	s.printf("every answer is compared with those of the same programs run one command at a time on %s\n", against)
	count := tally{}
	for _, part := range b.parts() {
		passed, err := b.measure(ctx, s, servers, part, oracle)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		count.add(passed)
	}
	return count.end(s)
}

// part is one kind of load.
type part struct {
	name string
	// shared says that all clients use one key, which somebody else holds.
	shared bool
	// program is what one client does again and again, with answers that do
	// not depend on the other clients.
	program func(key, me string) [][]string
	// atLeast is how many commands must share an entry or round; 0 only tells.
	atLeast float64
}

func (b *batching) parts() []part {
	return []part{
		{"polling one held key with SET NX", true, pollingWithSet, b.atLeast},
		{"polling one held key with GET", true, pollingWithGet, b.atLeast},
		{"taking and releasing keys of their own", false, writing, b.atLeast},
		{"doing the same and looking at them in between", false, mixed, 0},
	}
}

func pollingWithSet(key, me string) [][]string {
	return slices.Repeat([][]string{{"SET", key, me, "NX", "PX", "30000"}}, 4)
}

func pollingWithGet(key, _ string) [][]string {
	return slices.Repeat([][]string{{"GET", key}}, 4)
}

func (b *batching) measure(ctx context.Context, s *setup, servers *cluster.Cluster, part part, oracle string) (bool, error) {
	if err := b.hold(ctx, part, servers.Address, oracle); err != nil {
		return false, err
	}
	before, err := readCounters(ctx, servers)
	if err != nil {
		return false, err
	}
	began := time.Now()
	together, err := b.together(ctx, servers.Address, part)
	if err != nil {
		return false, err
	}
	took := time.Since(began)
	after, err := readCounters(ctx, servers)
	if err != nil {
		return false, err
	}
	wrong, err := b.compare(ctx, oracle, part, together)
	if err != nil {
		return false, err
	}
	return b.report(s, part, took, after.minus(before), wrong), nil
}

// program is everything that one client does in the part.
func (b *batching) program(part part, client int) [][]string {
	key := b.heldKey()
	if !part.shared {
		key = fmt.Sprintf("batching:%d:%d:%d", b.run, len(part.program("", "")), client)
	}
	return slices.Repeat(part.program(key, "holder-"+strconv.Itoa(client)), b.rounds)
}

func (b *batching) heldKey() string { return fmt.Sprintf("batching:%d:held", b.run) }

// hold lets somebody else hold the key that all clients want.
func (b *batching) hold(ctx context.Context, part part, addresses ...string) error {
	if !part.shared {
		return nil
	}
	for _, address := range addresses {
		conn, err := resp.Dial(ctx, address)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.Do("SET", b.heldKey(), "holder", "PX", "600000"); err != nil {
			return err
		}
	}
	return nil
}

func (b *batching) report(s *setup, part part, took time.Duration, used counters, wrong []string) bool {
	commands := b.clients * b.rounds * len(part.program("", ""))
	s.printf("\n%d clients %s: %d commands in %v (%.0f/s)\n", b.clients, part.name, commands,
		took.Round(time.Millisecond), float64(commands)/took.Seconds())
	for _, text := range firstFew(wrong) {
		s.printf("  WRONG %s\n", text)
	}
	if used == nil {
		s.printf("  these servers have no counters of entries and rounds\n")
		return len(wrong) == 0
	}
	entries, rounds, reads := used["coordd_log_entries_total"], used["coordd_read_rounds_total"], used["coordd_reads_total"]
	perBatch := float64(commands) / max(1, entries+rounds)
	s.printf("  %.0f log entries of %.1f commands, %.0f read rounds of %.1f reads: %.1f commands per entry or round",
		entries, used["coordd_commands_total"]/max(1, entries), rounds, reads/max(1, rounds), perBatch)
	if part.atLeast > 0 {
		s.printf(" (at least %.0f wanted)", part.atLeast)
	}
	s.printf("\n")
	return len(wrong) == 0 && perBatch >= part.atLeast
}

// compare runs every client's program one command at a time.
func (b *batching) compare(ctx context.Context, oracle string, part part, together [][]string) ([]string, error) {
	conn, err := resp.Dial(ctx, oracle)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var wrong []string
	for client, transcript := range together {
		alone, err := play(conn, b.program(part, client))
		if err != nil {
			return nil, err
		}
		if difference := firstDifference(transcript, alone); difference >= 0 {
			wrong = append(wrong, fmt.Sprintf("client %d, command %d: got %s; one at a time it is %s",
				client, difference, transcript[difference], alone[difference]))
		}
	}
	return wrong, nil
}

const deleteIfMine = `if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`

// writing is what one client does, with answers that do not depend on others.
func writing(key, holder string) [][]string {
	return [][]string{
		{"SET", key, holder, "NX", "PX", "60000"},
		{"SET", key, "intruder", "NX", "PX", "60000"},
		{"PEXPIRE", key, "90000"},
		{"EVAL", deleteIfMine, "1", key, "intruder"},
		{"EVAL", deleteIfMine, "1", key, holder},
		{"INCR", key + ":count"},
		{"DEL", key + ":count"},
	}
}

// mixed is the same with commands that only read.
func mixed(key, holder string) [][]string {
	return slices.Insert(writing(key, holder), 3, []string{"GET", key}, []string{"EXISTS", key, key + ":count"})
}

// together runs every client's program at the same time, each on a connection
// of its own, and returns the answers.
func (b *batching) together(ctx context.Context, address string, part part) ([][]string, error) {
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
		wait.Go(func() { transcripts[client], failures[client] = play(conn, b.program(part, client)) })
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
