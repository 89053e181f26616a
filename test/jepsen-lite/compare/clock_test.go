package compare

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/wallclock"
)

func TestAKeyOfRedisEndsWhenTheWallClockOfItsServerJumps(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	library, err := wallclock.Build(t.Context(), t.TempDir())
	if errors.Is(err, wallclock.ErrCannot) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	group := process.NewGroup(t.TempDir())
	defer group.Close(time.Second)
	var servers []*redisServer
	for number := range 2 {
		server, err := newRedisServer(group, t.TempDir(), number, library)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		servers = append(servers, server)
	}
	expect := func(server *redisServer, want string, words ...string) {
		t.Helper()
		if lines, err := server.tell(words...); err != nil || lines[0] != want {
			t.Errorf("%v: %q, %v; want %q", words, lines, err, want)
		}
	}
	for range 2 { // it jumps again from where it is
		for _, server := range servers {
			expect(server, "+OK", "SET", "k", "v", "NX", "PX", "3600000")
			expect(server, "$-1", "SET", "k", "w", "NX", "PX", "3600000")
		}
		if err := servers[0].step(2 * time.Hour); err != nil {
			t.Fatal(err)
		}
		expect(servers[0], "$-1", "GET", "k")
		expect(servers[1], "$1", "GET", "k")
		expect(servers[1], ":1", "DEL", "k")
	}
	if err := checkAhead("redis-2", time.Now().Unix(), 2*time.Hour); err == nil {
		t.Error("a clock that did not jump was not noticed")
	}
}

func TestWhatCannotHappenIsSaid(t *testing.T) {
	plan := Plan{NoWallClock: "no compiler"}
	if why := plan.missing("etcd", ClockFault); !strings.Contains(why, "not injectable") {
		t.Errorf("etcd: %q", why)
	}
	for _, fault := range Faults {
		if why := plan.missing("coordd", fault); why != "" {
			t.Errorf("coordd, %s: %q", fault, why)
		}
	}
	t.Setenv("PATH", "")
	for _, name := range []string{"redlock", "redis-failover"} {
		if why := plan.missing(name, Control); !strings.Contains(why, "redis-server") {
			t.Errorf("%s without redis-server: %q", name, why)
		}
	}
	row, err := Run(t.Context(), plan, "etcd", ClockFault)
	if err != nil || row.Skipped == "" || row.Rounds != 0 {
		t.Errorf("%+v, %v", row, err)
	}
	var table strings.Builder
	if err := Table(&table, []Row{row}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(table.String()), "\n")
	columns := func(line string) int { return strings.Count(line, "|") }
	if last := lines[len(lines)-1]; !strings.Contains(last, "| etcd | clock | skipped |") || slices.ContainsFunc(lines, func(line string) bool { return columns(line) != columns(lines[0]) }) {
		t.Errorf("the table:\n%s", table.String())
	}
}
