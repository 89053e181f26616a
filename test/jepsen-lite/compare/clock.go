package compare

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

// ClockFault is the fault in which wall clocks jump forward by more than the time to live, while locks are held. It takes as many servers as decide: the primary, the majority, and of
// coordd all of them.
const ClockFault = "clock"

// stepTTLs is by how many times to live clocks jump.
const stepTTLs = 3

// stepper is a system of whose servers the wall clocks can be set.
type stepper interface {
	// step lets them jump forward, and fails unless the servers then tell another time.
	step(ctx context.Context, by time.Duration) error
}

// missing says why a fault cannot happen to a system here; it is empty if it can.
func (p Plan) missing(name, fault string) string {
	redis := strings.HasPrefix(name, "red")
	if _, err := exec.LookPath("redis-server"); err != nil && redis {
		return "it needs redis-server, which is not installed (Debian: apt-get install redis-server)"
	}
	switch {
	case fault != ClockFault:
		return ""
	case name == "etcd":
		return "not injectable: etcd is a program of Go, which asks the kernel for the time by itself, so that no library can answer in its place"
	case redis && p.WallClock == "":
		return p.NoWallClock
	}
	return ""
}

// stepClocks lets the wall clocks jump when somebody has just read a register under a lock, and waits until whoever trusts them would have thought that lock free.
func (p Plan) stepClocks(ctx context.Context, service system, held func(context.Context) error) error {
	steps, ok := service.(stepper)
	if !ok {
		return errors.New("its clocks cannot be set")
	}
	if err := held(ctx); err != nil {
		return err
	}
	if err := steps.step(ctx, stepTTLs*p.TTL); err != nil {
		return err
	}
	return cluster.Pause(ctx, p.TTL)
}

// stepTolerance is by how much a server's time may differ from what it should be after a jump: it is asked over a network.
const stepTolerance = time.Second

// checkAhead compares what a server says of Unix time with what it should say.
func checkAhead(name string, unixSeconds int64, want time.Duration) error {
	if got := time.Until(time.Unix(unixSeconds, 0)); (got - want).Abs() > stepTolerance+time.Second { // it tells whole seconds
		return fmt.Errorf("the wall clock of %s is %v ahead, not %v: it did not jump", name, got.Round(time.Second), want)
	}
	return nil
}

// step lets the clock of one server jump.
func (r *redisServer) step(by time.Duration) error {
	if r.clock == nil {
		return fmt.Errorf("the wall clock of %s cannot be set", r.name)
	}
	r.ahead += by
	if err := r.clock.Set(r.ahead); err != nil {
		return err
	}
	lines, err := r.tell("TIME")
	if err != nil {
		return err
	}
	if len(lines) < 3 {
		return fmt.Errorf("%s answers %q when it is asked for the time", r.name, lines)
	}
	seconds, err := strconv.ParseInt(lines[2], 10, 64) // after the lengths of the list and of the number
	if err != nil {
		return fmt.Errorf("%s answers %q when it is asked for the time: %w", r.name, lines, err)
	}
	return checkAhead(r.name, seconds, r.ahead)
}

// step implements stepper: a majority of the servers, since one alone decides nothing.
func (s *redlockSystem) step(_ context.Context, by time.Duration) error {
	for _, server := range s.majority() {
		if err := server.step(by); err != nil {
			return err
		}
	}
	return nil
}

// step implements stepper: the primary, which decides alone.
func (s *failoverSystem) step(_ context.Context, by time.Duration) error {
	return s.servers[s.primary].step(by)
}

// ordersHeard is how long nodes have to hear of orders; they look every few milliseconds.
const ordersHeard = 100 * time.Millisecond

// step implements stepper: every node. Then leadership is handed over, because a leader looks at the wall clocks when its reign begins, and only once a minute afterwards.
func (s *coorddSystem) step(ctx context.Context, by time.Duration) error {
	s.ahead += by
	for _, node := range s.cluster.Nodes() {
		if err := node.Order(cluster.Orders{WallOffsetMs: s.ahead.Milliseconds()}); err != nil {
			return err
		}
	}
	if err := cluster.Pause(ctx, ordersHeard); err != nil {
		return err
	}
	admin, err := client.Dial(ctx, client.Options{Endpoints: s.endpoints(), Name: "jepsen-lite", DialTimeout: time.Second})
	if err != nil {
		return err
	}
	defer admin.Close()
	if _, err := admin.Do(ctx, "COORDD.TRANSFER"); err != nil {
		return fmt.Errorf("leadership was not handed over: %w", err)
	}
	for {
		err := toldAhead(ctx, admin, s.ahead)
		if err == nil {
			return nil
		}
		if cluster.Pause(ctx, ordersHeard) != nil {
			return err
		}
	}
}

// toldAhead asks coordd for Unix time.
func toldAhead(ctx context.Context, admin *client.Client, want time.Duration) error {
	answer, err := admin.Do(ctx, "TIME")
	if err != nil {
		return err
	}
	if len(answer.Elements) == 0 {
		return fmt.Errorf("coordd answers %v when it is asked for the time", answer)
	}
	seconds, err := strconv.ParseInt(string(answer.Elements[0].Text), 10, 64)
	if err != nil {
		return err
	}
	return checkAhead("coordd", seconds, want)
}
