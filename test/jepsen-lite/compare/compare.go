package compare

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
	"github.com/coordd/coordd/test/jepsen-lite/store"
)

// Plan says what to compare.
type Plan struct {
	// Coordd, Clients, Rivals and Etcd are programs: a node, this harness, the client process of the others, and etcd's server.
	Coordd, Clients, Rivals, Etcd string
	// CoorddFailpoints is a node whose clock follows orders. WallClock is the library that sets the wall clock of a Redis server; if it is empty, NoWallClock says why.
	CoorddFailpoints, WallClock, NoWallClock string
	Out                                      string
	// Rounds is how often each fault happens to each system.
	Rounds int
	TTL    time.Duration
	Seed   uint64
	Say    io.Writer
}

// Control is the fault that is none: what shows without any was not the fault's.
const Control = "none"

// Systems are the names of what is compared, and Faults those of what goes wrong.
var (
	Systems = []string{"coordd", "etcd", "redlock", "redis-failover"}
	Faults  = []string{Control, "pause-holder", ClockFault, "rolling-restart", "failover"}
)

// compared is the workload: a register that is changed under a lock.
const compared = "fenced-register"

const (
	places     = 3
	settleTime = 2 * time.Second
	think      = 600 * time.Millisecond
	// Enough registers that a lock is often free: a replica that has seen its last holder and not its release would keep it from being granted twice.
	registerCount = 12
	patience      = 60 * time.Second
)

// Run lets one fault happen to one system. The row says so if it cannot.
func Run(ctx context.Context, plan Plan, name, fault string) (row Row, err error) {
	row = Row{System: name, Fault: fault, HasTokens: name == "coordd" || name == "etcd"}
	if row.Skipped = plan.missing(name, fault); row.Skipped != "" {
		return row, nil
	}
	folder := filepath.Join(plan.Out, name+"-"+fault)
	logs, data := filepath.Join(folder, "logs"), filepath.Join(folder, "data")
	for _, one := range []string{logs, data} {
		if err := os.MkdirAll(one, 0o755); err != nil {
			return row, err
		}
	}
	file, err := os.Create(filepath.Join(folder, "history.jsonl"))
	if err != nil {
		return row, err
	}
	defer file.Close()
	group, net := process.NewGroup(logs), network.New(plan.Seed)
	defer net.Close()
	defer group.Close(time.Second)
	service, program, words, err := plan.service(name, fault, group, net, data, logs)
	if err != nil {
		return row, err
	}
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	endpoints, err := service.start(starting)
	if err != nil {
		return row, err
	}
	writer, tracker := history.NewWriter(file), clients.NewTracker()
	registers, err := store.Start(net.Host(), writer, tracker.Observe)
	if err != nil {
		return row, err
	}
	defer registers.Close()
	fleet := &clients.Fleet{
		Program: program, Arguments: words, Group: group, Writer: writer, Tracker: tracker, Endpoints: func(int) []string { return endpoints },
		Order: clients.Assignment{Store: registers.Address, Workloads: []string{compared}, TTL: plan.TTL, Think: think, Registers: registerCount, Start: history.Now(), Seed: plan.Seed},
	}
	if err := fleet.Start(places); err != nil {
		return row, err
	}
	defer fleet.Heal()
	for range plan.Rounds {
		if err := cluster.Pause(ctx, settleTime); err != nil {
			return row, err
		}
		if err := plan.inject(ctx, service, fault, fleet, tracker); err != nil {
			return row, fmt.Errorf("%s for %s: %w", fault, name, err)
		}
		row.Rounds++
	}
	if err := cluster.Pause(ctx, settleTime); err != nil {
		return row, err
	}
	if err := fleet.Finish(10 * time.Second); err != nil {
		return row, err
	}
	return row, row.judge(ctx, file.Name(), service)
}

// service makes one of the systems, and names the program of its clients, with the arguments that it takes.
func (p Plan) service(name, fault string, group *process.Group, net *network.Net, data, logs string) (service system, program string, arguments []string, err error) {
	node, library := p.Coordd, ""
	if fault == ClockFault {
		node, library = p.CoorddFailpoints, p.WallClock
	}
	switch name {
	case "coordd":
		nodes, err := cluster.New(cluster.Config{Binary: node, Failpoints: fault == ClockFault, DataDir: data, LogDir: logs, Nodes: 3, TrailingEntries: cluster.WholeLog, FirstTrailingEntries: cluster.WholeLog}, group, net)
		return &coorddSystem{cluster: nodes, net: net}, p.Clients, nil, err
	case "etcd":
		members, err := newEtcd(p.Etcd, group, net, data)
		return members, p.Rivals, []string{"etcd"}, err
	case "redlock":
		servers, err := newRedlock(group, data, library)
		return servers, p.Rivals, nil, err
	case "redis-failover":
		servers, err := newFailover(group, data, net, library)
		return servers, p.Rivals, nil, err
	}
	return nil, "", nil, fmt.Errorf("there is no system %q to compare; there are %v", name, Systems)
}

func (p Plan) inject(ctx context.Context, service system, fault string, fleet *clients.Fleet, tracker *clients.Tracker) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch fault {
	case Control:
		return cluster.Pause(ctx, p.TTL)
	case "pause-holder":
		return nemesis.PauseHolder(ctx, fleet, tracker, p.TTL, func(format string, arguments ...any) {})
	case ClockFault:
		return p.stepClocks(ctx, service, tracker.NextRead)
	case "rolling-restart":
		return service.rolling(ctx, tracker.NextRead)
	case "failover":
		return service.failover(ctx, tracker.NextRead)
	}
	return fmt.Errorf("there is no fault %q to compare; there are %v", fault, Faults)
}
