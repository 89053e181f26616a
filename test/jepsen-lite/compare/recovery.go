package compare

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/network"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// How a leader is lost: its process is killed, which the others are told by refused connections; or its links to them carry nothing any more, which nobody tells them.
// The control is no loss at all: so long an acquire takes anyway.
const (
	LossNone = "none"
	LossKill = "kill"
	LossCut  = "cut"
)

// Losses are the ways, and RecoverySystems whom recovery is measured of.
var (
	Losses          = []string{LossNone, LossKill, LossCut}
	RecoverySystems = []string{"coordd", "etcd"}
)

// Pauses are how long nobody could take a lock after each loss of the leader: from the loss to the end of the first acquire that was begun after it and succeeded, whoever asked.
type Pauses struct {
	System, Loss string
	Each         []time.Duration // sorted
}

// Quantile is the pause that so many of a hundred do not exceed; 0 without any.
func (p Pauses) Quantile(percent int) time.Duration {
	if len(p.Each) == 0 {
		return 0
	}
	return p.Each[max(0, (len(p.Each)*percent+99)/100-1)]
}

// loser is a system whose leader can be taken away.
type loser interface {
	system
	// loseLeader tells the instant of the loss, and what brings the leader back.
	loseLeader(ctx context.Context, how string) (at int64, again func(context.Context) error, err error)
}

// loseLeader implements loser.
func (s *coorddSystem) loseLeader(ctx context.Context, how string) (at int64, again func(context.Context) error, err error) {
	leader, err := s.cluster.Leader(ctx)
	if err != nil {
		return 0, nil, err
	}
	if how == LossKill {
		s.net.Down(leader.Name) // dials are refused from now on, as those to a dead process are
		at, err = kill(leader.PID())
		leader.Kill() // waits until it is gone
		if err != nil {
			return 0, nil, err
		}
	} else {
		for _, other := range s.cluster.Nodes() {
			if other != leader {
				for _, plane := range []network.Plane{network.Peer, network.Gossip} {
					s.net.Set(leader.Name, other.Name, plane, network.Fault{Cut: network.Drop})
					s.net.Set(other.Name, leader.Name, plane, network.Fault{Cut: network.Drop})
				}
			}
		}
		at = history.Now()
	}
	return at, func(ctx context.Context) error {
		s.net.Heal()
		if !leader.Running() {
			if err := leader.Start(); err != nil {
				return err
			}
		}
		return s.cluster.WaitReady(ctx, s.cluster.Nodes()...)
	}, nil
}

// kill sends SIGKILL and tells when: the others go on while what is left of the process is still cleared away, and that is not to be waited for.
func kill(pid int) (at int64, err error) {
	err = syscall.Kill(pid, syscall.SIGKILL)
	return history.Now(), err
}

const (
	recoveryRegisters = 64
	recoveryThink     = time.Millisecond
	calmBefore        = 1500 * time.Millisecond
	// recoveryPatience is after how long clients give up on a question and ask anew. With more of it the pauses would be those of what was under way when the leader was lost: etcd answers that after 7 s.
	recoveryPatience = 200 * time.Millisecond
)

// Recovery takes the leader of one system away again and again, and measures the pauses.
func Recovery(ctx context.Context, plan Plan, name, how string) (pauses Pauses, err error) {
	pauses = Pauses{System: name, Loss: how}
	folder := filepath.Join(plan.Out, "recovery-"+name+"-"+how)
	logs, data := filepath.Join(folder, "logs"), filepath.Join(folder, "data")
	for _, one := range []string{logs, data} {
		if err := os.MkdirAll(one, 0o755); err != nil {
			return pauses, err
		}
	}
	file, err := os.Create(filepath.Join(folder, "history.jsonl"))
	if err != nil {
		return pauses, err
	}
	defer file.Close()
	group, net := process.NewGroup(logs), network.New(plan.Seed)
	defer net.Close()
	defer group.Close(time.Second)
	service, program, arguments, err := plan.service(name, LossNone, group, net, data, logs)
	if err != nil {
		return pauses, err
	}
	losing, able := service.(loser)
	if !able {
		return pauses, fmt.Errorf("%s has no leader that could be lost", name)
	}
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	endpoints, err := service.start(starting)
	if err != nil {
		return pauses, err
	}
	writer, tracker := history.NewWriter(file), clients.NewTracker()
	registers, err := store.Start(net.Host(), writer, tracker.Observe)
	if err != nil {
		return pauses, err
	}
	defer registers.Close()
	fleet := &clients.Fleet{
		Program: program, Arguments: arguments, Group: group, Writer: writer, Tracker: tracker, Endpoints: func(place int) []string { return rotated(endpoints, place) },
		Order: clients.Assignment{Store: registers.Address, Workloads: []string{compared}, TTL: plan.TTL, Think: recoveryThink, Registers: recoveryRegisters, Patience: recoveryPatience, Start: history.Now(), Seed: plan.Seed},
	}
	if err := fleet.Start(places); err != nil {
		return pauses, err
	}
	lost, err := plan.loseAgainAndAgain(ctx, losing, how, tracker)
	if err != nil {
		return pauses, fmt.Errorf("%s, %s: %w", name, how, err)
	}
	if err := fleet.Finish(10 * time.Second); err != nil {
		return pauses, err
	}
	pauses.Each, err = pausesIn(file.Name(), lost)
	return pauses, err
}

func rotated(list []string, by int) []string {
	by %= len(list)
	return slices.Concat(list[by:], list[:by])
}

// loseAgainAndAgain returns the instants of the losses.
func (p Plan) loseAgainAndAgain(ctx context.Context, service loser, how string, tracker *clients.Tracker) (lost []int64, err error) {
	for range p.Rounds {
		if err := cluster.Pause(ctx, calmBefore); err != nil {
			return nil, err
		}
		limit, cancel := context.WithTimeout(ctx, patience)
		at, again, err := lose(limit, service, how)
		if err == nil {
			_, err = tracker.Progress(limit, []string{compared}, at, 1)
		}
		if err == nil {
			err = again(limit)
		}
		cancel()
		if err != nil {
			return nil, err
		}
		lost = append(lost, at)
	}
	return lost, nil
}

// lose takes the leader away, or for the control nothing.
func lose(ctx context.Context, service loser, how string) (at int64, again func(context.Context) error, err error) {
	if how == LossNone {
		return history.Now(), func(ctx context.Context) error { return cluster.Pause(ctx, calmBefore) }, nil // until somebody has surely taken a lock
	}
	return service.loseLeader(ctx, how)
}

// pausesIn reads from a history how long each pause was.
func pausesIn(path string, lost []int64) ([]time.Duration, error) {
	events, err := history.ReadFile(path)
	if err != nil {
		return nil, err
	}
	operations, err := history.Pair(events)
	if err != nil {
		return nil, err
	}
	var pauses []time.Duration
	for _, at := range lost {
		first := history.Never
		for _, operation := range operations {
			if operation.Invoke.Op == workload.OpAcquire && operation.End.Type == history.OK && operation.Invoke.At >= at {
				first = min(first, operation.End.At)
			}
		}
		if first != history.Never {
			pauses = append(pauses, time.Duration(first-at))
		}
	}
	slices.Sort(pauses)
	return pauses, nil
}

// RecoveryTable writes pauses for people, as Markdown.
func RecoveryTable(w io.Writer, all []Pauses) error {
	if _, err := fmt.Fprintln(w, "| system | the leader's loss | times | shortest | median | 90 % | longest |\n| --- | --- | --- | --- | --- | --- | --- |"); err != nil {
		return err
	}
	for _, one := range all {
		_, err := fmt.Fprintf(w, "| %s | %s | %d | %d ms | %d ms | %d ms | %d ms |\n", one.System, one.Loss, len(one.Each),
			one.Quantile(0).Milliseconds(), one.Quantile(50).Milliseconds(), one.Quantile(90).Milliseconds(), one.Quantile(100).Milliseconds())
		if err != nil {
			return err
		}
	}
	return nil
}
