package differential

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/compat/cluster"
	"github.com/coordd/coordd/test/compat/resp"
)

func TestGenerateIsDecidedBySeedAndNumber(t *testing.T) {
	for number := range uint64(50) {
		if a, b := Generate(7, number).String(), Generate(7, number).String(); a != b {
			t.Fatalf("sequence %d came out differently:\n%s\n%s", number, a, b)
		}
	}
	if Generate(7, 1).String() == Generate(8, 1).String() {
		t.Error("another seed made the same sequence")
	}
}

func TestGenerateTouchesOnlyItsOwnNames(t *testing.T) {
	named := []string{"MGET", "DEL", "UNLINK", "EXISTS", "TOUCH", "WATCH"}
	for number := range uint64(3000) {
		for _, step := range Generate(1, number).Steps {
			for _, command := range step.Commands {
				if command.Wire != "" || !slices.Contains(named, command.name()) {
					continue
				}
				for _, key := range command.Args[1:] {
					if !slices.Contains(keys, key) {
						t.Fatalf("sequence %d: %s", number, command)
					}
				}
			}
		}
	}
}

// TestGenerateMakesEveryCommand keeps a command of docs/redis.md that a redis-server could be asked from being left out unnoticed: what is not made must be told apart
// in DIFFERENCES.md.
func TestGenerateMakesEveryCommand(t *testing.T) {
	made := map[string]bool{}
	for number := range uint64(6000) {
		for _, step := range Generate(1, number).Steps {
			for _, command := range step.Commands {
				made[command.name()] = true
			}
		}
	}
	page, err := os.ReadFile("../DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	leftOut, _, _ := strings.Cut(string(page), "## Allowed differences")
	offered := offeredCommands(t)
	if len(offered) < 50 {
		t.Fatalf("the table of docs/redis.md names only %d commands: %q", len(offered), offered)
	}
	for _, name := range offered {
		if !made[name] && !strings.Contains(leftOut, "`"+name+"`") {
			t.Errorf("%s is in no sequence, and DIFFERENCES.md does not say why", name)
		}
	}
}

// offeredCommands are the Redis commands that docs/redis.md says coordd has.
func offeredCommands(t *testing.T) (names []string) {
	t.Helper()
	page, err := os.ReadFile("../../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"strings", "keys", "transactions", "scripts", "connection", "server"} {
		row := regexp.MustCompile(`(?m)^\| ` + group + ` \| (.*) \|$`).FindStringSubmatch(string(page))
		if row == nil {
			t.Fatalf("docs/redis.md has no row of commands for %s", group)
		}
		text := regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(row[1], "")
		names = append(names, regexp.MustCompile(`[A-Z][A-Z_]+`).FindAllString(text, -1)...)
	}
	return names
}

func TestMasks(t *testing.T) {
	read := func(wire string) resp.Value {
		value, _, err := resp.ReadValue(bufio.NewReader(strings.NewReader(wire)))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for _, c := range []struct {
		mask Mask
		a, b string
		want bool
	}{
		{Exact, ":1\r\n", ":2\r\n", false},
		{Seconds, ":10\r\n", ":11\r\n", true},
		{Seconds, ":10\r\n", ":20\r\n", false},
		{Seconds, ":-1\r\n", ":-2\r\n", false},
		{Milliseconds, ":5000\r\n", ":4990\r\n", true},
		{Milliseconds, ":5000\r\n", "-ERR no\r\n", false},
		{Remaining, "*2\r\n$1\r\nx\r\n:5000\r\n", "*2\r\n$1\r\nx\r\n:4998\r\n", true},
		{Remaining, "*2\r\n$1\r\nx\r\n:1\r\n", "*2\r\n$1\r\nx\r\n:2\r\n", false},
		{Remaining, "*2\r\n$1\r\nx\r\n:5000\r\n", "*2\r\n$1\r\ny\r\n:5000\r\n", false},
		{Scan, "*2\r\n$1\r\n0\r\n*2\r\n+a\r\n+b\r\n", "*2\r\n$1\r\n0\r\n*2\r\n+b\r\n+a\r\n", true},
		{Scan, "*2\r\n$1\r\n0\r\n*1\r\n+a\r\n", "*2\r\n$1\r\n7\r\n*1\r\n+a\r\n", false},
		{Types, ":7\r\n", ":8\r\n", true},
		{Types, ":7\r\n", "$1\r\n7\r\n", false},
		{Integers, "*2\r\n$1\r\nx\r\n:7\r\n", "*2\r\n$1\r\nx\r\n:8\r\n", true},
		{Integers, "*2\r\n$1\r\nx\r\n:7\r\n", "*2\r\n$1\r\ny\r\n:7\r\n", false},
		{ClockTime, "*2\r\n$2\r\n10\r\n$1\r\n5\r\n", "*2\r\n$2\r\n11\r\n$2\r\n77\r\n", true},
		{ClockTime, "*2\r\n$2\r\n10\r\n$1\r\n5\r\n", "*2\r\n$2\r\n99\r\n$2\r\n77\r\n", false},
		{Hello, "*4\r\n+id\r\n:1\r\n+proto\r\n:2\r\n", "*4\r\n+id\r\n:9\r\n+proto\r\n:2\r\n", true},
		{Hello, "*4\r\n+id\r\n:1\r\n+proto\r\n:2\r\n", "*4\r\n+id\r\n:9\r\n+proto\r\n:3\r\n", false},
	} {
		if got := c.mask.matches(read(c.a), read(c.b)); got != c.want {
			t.Errorf("mask %d of %q and %q: got %v, want %v", c.mask, c.a, c.b, got, c.want)
		}
	}
}

// TestAllowancesAreArgued keeps the list in the code and the page together.
func TestAllowancesAreArgued(t *testing.T) {
	page, err := os.ReadFile("../DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	var argued, known []string
	for _, heading := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(string(page), -1) {
		argued = append(argued, heading[1])
	}
	for _, allowance := range CoorddAllowances {
		known = append(known, allowance.Name)
	}
	slices.Sort(argued)
	slices.Sort(known)
	if !slices.Equal(argued, known) {
		t.Errorf("DIFFERENCES.md argues for %q, the code allows %q", argued, known)
	}
}

// redisServers starts two servers, or skips where there is no redis-server.
func redisServers(t *testing.T) (oracle, subject string) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	group := process.NewGroup(t.TempDir())
	t.Cleanup(func() { group.Close(2 * time.Second) })
	var addresses []string
	for _, name := range []string{"oracle", "subject"} {
		server, err := cluster.StartRedis(t.Context(), group, t.TempDir(), name)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, server.Address)
	}
	return addresses[0], addresses[1]
}

func dialTo(address string) Dial {
	return func(ctx context.Context) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", address)
	}
}

func TestRedisEqualsItself(t *testing.T) {
	oracle, subject := redisServers(t)
	campaign := &Campaign{
		Runner: &Runner{Oracle: dialTo(oracle), Subject: dialTo(subject), RunID: "self", ReplyTimeout: 5 * time.Second},
		Seed:   3, Count: 400, Lanes: 8,
	}
	report, err := campaign.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Sequences != 400 || report.Replies < 4000 {
		t.Errorf("compared only %d sequences and %d replies", report.Sequences, report.Replies)
	}
	for _, finding := range report.Findings {
		t.Errorf("%s", finding.Difference)
	}
}

// lyingConn changes replies on their way to the client.
type lyingConn struct {
	net.Conn
	old, new string
}

func (c *lyingConn) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	copy(buffer[:n], strings.ReplaceAll(string(buffer[:n]), c.old, c.new))
	return n, err
}

// maxConns is how many connections to one server a sequence has at most.
const maxConns = 4

// crowdedConn changes replies while more connections are open than one sequence has.
type crowdedConn struct {
	lyingConn
	open   *atomic.Int64
	closed sync.Once
}

func (c *crowdedConn) Read(buffer []byte) (int, error) {
	if c.open.Load() > maxConns {
		return c.lyingConn.Read(buffer)
	}
	return c.Conn.Read(buffer)
}

func (c *crowdedConn) Close() error {
	c.closed.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// What comes from the other sequences does not show when one runs alone; a difference of the sequence itself does, though an allowance would cover it.
func TestWhatOtherSequencesCauseIsTriedAgainAlone(t *testing.T) {
	oracle, subject := redisServers(t)
	for crowded, count := range map[bool]uint64{true: 10, false: 2} {
		var open atomic.Int64
		lie := func(ctx context.Context) (net.Conn, error) {
			conn, err := dialTo(subject)(ctx)
			if err != nil || !crowded {
				return &lyingConn{conn, "QUEUED", "queued"}, err
			}
			open.Add(1)
			return &crowdedConn{lyingConn: lyingConn{conn, "QUEUED", "queued"}, open: &open}, nil
		}
		campaign := &Campaign{
			Runner: &Runner{Oracle: dialTo(oracle), Subject: lie, RunID: "crowd", ReplyTimeout: 5 * time.Second, Allowed: []Allowance{
				{Name: "crowd", Applies: func(_ Command, oracle, subject resp.Value) bool {
					return oracle.Text == "QUEUED" && subject.Text == "queued"
				}, Unsteady: true}}},
			Seed: 3, Count: count, Lanes: 10,
		}
		report, err := campaign.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if crowded && (report.Allowed["crowd"] == 0 || report.Differing > 0) || !crowded && (report.Allowed["crowd"] > 0 || report.Differing == 0) {
			t.Errorf("in a crowd only %v: %d allowed, %d differ", crowded, report.Allowed["crowd"], report.Differing)
		}
	}
}

func TestAPlantedLieIsFoundAndShrunk(t *testing.T) {
	oracle, subject := redisServers(t)
	lie := func(ctx context.Context) (net.Conn, error) {
		conn, err := dialTo(subject)(ctx)
		return &lyingConn{conn, "is not an integer", "is not an INTEGER"}, err
	}
	campaign := &Campaign{
		Runner: &Runner{Oracle: dialTo(oracle), Subject: lie, RunID: "lie", ReplyTimeout: 5 * time.Second},
		Seed:   3, Count: 100, Lanes: 4,
	}
	report, err := campaign.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) == 0 {
		t.Fatal("the lie went unnoticed")
	}
	for _, finding := range report.Findings {
		if size := finding.Difference.Sequence.Size(); size > 4 {
			t.Errorf("shrunk to %d commands, want at most 4:\n%s", size, finding.Difference)
		}
	}
}
