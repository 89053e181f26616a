package main

import (
	"context"
	"flag"
	"fmt"
	"syscall"
	"time"

	"github.com/coordd/coordd/test/compat/cluster"
	"github.com/coordd/coordd/test/compat/resp"
)

// pause stops all nodes together for longer than every lease, lets them go on,
// and looks whether a lease ended in time in which nobody could renew it.
type pause struct {
	rounds int
	ttl    time.Duration
	run    int64
}

func pauseCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	p := &pause{run: time.Now().UnixMilli()}
	set.IntVar(&p.rounds, "rounds", 3, "how often all nodes are stopped")
	set.DurationVar(&p.ttl, "ttl", 2*time.Second, "the leases' TTL; the nodes are stopped for three times as long")
	return p.start
}

func (p *pause) start(ctx context.Context, s *setup) error {
	servers, err := s.startOwn(ctx)
	if err != nil {
		return err
	}
	count := tally{}
	for round := range p.rounds {
		problems, err := p.round(ctx, servers, fmt.Sprintf("pause:%d:%d", p.run, round))
		if err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		s.printf("round %d: all nodes stopped for %s with leases of %s alive; ended early or wrong afterwards: %d\n", round+1, 3*p.ttl, p.ttl, len(problems))
		for _, problem := range problems {
			s.printf("  WRONG %s\n", problem)
		}
		count.add(len(problems) == 0)
	}
	return count.end(s)
}

// round takes a key and a session with the TTL, stops and continues every node,
// and asks for both at once, and again when they must have ended.
func (p *pause) round(ctx context.Context, servers *cluster.Cluster, name string) (problems []string, err error) {
	conn, err := resp.Dial(ctx, servers.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ttl := fmt.Sprint(p.ttl.Milliseconds())
	session, err := conn.Do("SESSION.OPEN", "PX", ttl)
	if err != nil {
		return nil, err
	}
	fields := fieldsOf(session)
	if _, err := conn.Do("SET", name, "holder", "NX", "PX", ttl); err != nil {
		return nil, err
	}
	for _, node := range servers.Nodes {
		if err := syscall.Kill(node.PID(), syscall.SIGSTOP); err != nil {
			return nil, err
		}
	}
	resumed := sleepUntil(ctx, time.Now().Add(3*p.ttl))
	for _, node := range servers.Nodes {
		if err := syscall.Kill(node.PID(), syscall.SIGCONT); err != nil {
			return nil, err
		}
	}
	if resumed != nil {
		return nil, resumed
	}
	if value, err := conn.Do("GET", name); err != nil || value.Text != "holder" {
		problems = append(problems, fmt.Sprintf("the key ended while nobody could renew it: GET answers %q, %v", value.Text, err))
	}
	if _, err := conn.Do("SESSION.RENEW", fields["session"], fields["secret"]); err != nil {
		problems = append(problems, fmt.Sprintf("the session ended while nobody could renew it: %v", err))
	}
	problems = append(problems, wallTime(conn)...)
	if err := sleepUntil(ctx, time.Now().Add(p.ttl+600*time.Millisecond)); err != nil {
		return nil, err
	}
	if value, err := conn.Do("GET", name); err != nil || !value.Null {
		problems = append(problems, fmt.Sprintf("the key lives on a TTL after the stop: GET answers %q, %v", value.Text, err))
	}
	return problems, nil
}

// wallTime compares TIME with the clock of this machine, once the cluster has
// had a second to notice that it was stopped.
func wallTime(conn *resp.Conn) []string {
	time.Sleep(time.Second)
	value, err := conn.Do("TIME")
	if err != nil || len(value.Elements) != 2 {
		return []string{fmt.Sprintf("TIME answers %+v, %v", value, err)}
	}
	seconds, _ := value.Elements[0].Int()
	if off := time.Since(time.Unix(seconds, 0)); off > 3*time.Second || off < -2*time.Second {
		return []string{fmt.Sprintf("TIME is off by %s", off)}
	}
	return nil
}

// fieldsOf reads a map reply, in either protocol version.
func fieldsOf(value resp.Value) map[string]string {
	fields := map[string]string{}
	for i := 0; i+1 < len(value.Elements); i += 2 {
		fields[value.Elements[i].Text] = value.Elements[i+1].Text
	}
	return fields
}
