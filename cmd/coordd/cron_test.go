package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	cronPeriod = flag.Duration("cron-period", 0, "run TestCronAtFullSize with ticks so far apart; 1m is its full size. The clocks and the floor scale along")
	cronTicks  = flag.Int("cron-ticks", 20, "ticks of TestCronAtFullSize")
)

// cronMachines is on how many machines the same job stands in the crontab.
const cronMachines = 20

// crontab is a job that every machine starts at each tick of its own clock. It takes 10 ms and leaves a line in a file.
type crontab struct {
	t         *testing.T
	endpoints string
	runs      string
	atLeast   time.Duration
	command   string
}

func newCrontab(t *testing.T, atLeast time.Duration, endpoints string) *crontab {
	if runtime.GOOS == "windows" {
		t.Skip("coordd lock needs process groups")
	}
	runs := filepath.Join(t.TempDir(), "runs")
	return &crontab{t: t, endpoints: endpoints, runs: runs, atLeast: atLeast, command: "echo $COORDD_FENCING_TOKEN $MACHINE >> " + runs + "; sleep 0.01"}
}

// start is one machine's crontab entry coming due.
func (c *crontab) start(machine int) {
	command := exec.Command("coordd", "lock", "cron-job", "--skip-if-held", "--at-least", c.atLeast.String(), "--", "sh", "-c", c.command)
	command.Env = append(os.Environ(), "COORDD_ENDPOINTS="+c.endpoints, fmt.Sprint("MACHINE=", machine))
	if output, err := command.CombinedOutput(); err != nil || len(output) > 0 {
		c.t.Errorf("machine %d: %v: %s", machine, err, output) // cron would send a letter
	}
}

// ran is the lines that the runs left.
func (c *crontab) ran() []string {
	text, err := os.ReadFile(c.runs)
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// free waits until the floor of the last run is over.
func (c *crontab) free() {
	for {
		output, err := exec.Command("coordd", "lock-info", "cron-job", "--endpoints", c.endpoints).Output()
		if err != nil {
			c.t.Fatal(err)
		}
		if bytes.Contains(output, []byte(" free ")) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// All machines start the job at the same tick, some after it has ended elsewhere, since it takes 10 ms only. The floor makes it one run a tick. It is chosen so
// long that every machine comes within it; where the test's own machine is too slow for that the tick is done again with a longer one.
func TestS38_OneRunATick(t *testing.T) {
	c := newCrontab(t, 2*time.Second, documentedCluster(t))
	for tick := 1; tick <= 2; {
		before, began := len(c.ran()), time.Now()
		var machines sync.WaitGroup
		for machine := range cronMachines {
			machines.Go(func() { c.start(machine) })
		}
		machines.Wait()
		took, runs := time.Since(began), len(c.ran())-before
		switch {
		case runs == 1:
			tick++
		case took < c.atLeast:
			t.Fatalf("tick %d: %d runs within %v of a floor of %v: %q", tick, runs, took, c.atLeast, c.ran())
		default:
			c.atLeast *= 2
		}
		c.free()
	}
}

// A run whose coordd is killed has begun, so it counts: nobody runs the job again before the floor is over.
func TestS38_CrashedRunCounts(t *testing.T) {
	c := newCrontab(t, time.Hour, documentedCluster(t))
	command := exec.Command("coordd", "lock", "cron-job", "--at-least", c.atLeast.String(), "--endpoints", c.endpoints, "--", "sh", "-c", c.command+"; sleep 1000")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for len(c.ran()) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // killed
	for i := 0; i < 2; i++ {
		c.start(i)
	}
	if ran := c.ran(); len(ran) != 1 {
		t.Errorf("the crashed run did not count: %q", ran)
	}
}

// TestCronAtFullSize is the job on twenty machines whose clocks are 2 s apart, so that the last one is 38 s late: each starts it when its own clock shows a full minute,
// for twenty minutes, with --at-least 50s. There must be one run a minute.
//
//	go test ./cmd/coordd -run TestCronAtFullSize -cron-period 1m -timeout 30m -v
func TestCronAtFullSize(t *testing.T) {
	if *cronPeriod == 0 {
		t.Skip("takes a period for each tick; ask for it with -cron-period")
	}
	apart, atLeast := *cronPeriod/30, *cronPeriod*5/6
	c := newCrontab(t, atLeast.Truncate(time.Millisecond), documentedCluster(t))
	epoch := time.Now()
	var machines sync.WaitGroup
	for machine := range cronMachines {
		machines.Go(func() {
			for tick := range *cronTicks {
				time.Sleep(time.Until(epoch.Add(time.Duration(tick)**cronPeriod + time.Duration(machine)*apart)))
				c.start(machine)
			}
		})
	}
	machines.Wait()
	ran := c.ran()
	t.Logf("%d ticks of %v, %d clocks %v apart, --at-least %v: %d runs (token, machine): %q", *cronTicks, *cronPeriod, cronMachines, apart, c.atLeast, len(ran), ran)
	if len(ran) != *cronTicks {
		t.Errorf("%d runs in %d ticks", len(ran), *cronTicks)
	}
}
