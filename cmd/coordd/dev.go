package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/raftnode/store"
)

var devCommand = options.Command{
	Name:    "dev",
	Summary: "run three nodes in one process on this machine, to try things",
	Usage:   []string{"[flags]"},
	Details: `The nodes listen on loopback only and ask nobody for a password. Their data lies in a temporary folder that is removed at the end,
unless --data-dir names one; a second start with the same --data-dir goes on where the first stopped.
The ports given are those of the first node; each further node takes the next one. 0 takes any free ports.`,
	Examples: []options.Example{
		{Line: "coordd dev", Says: "three nodes: Redis 7379-7381, HTTP 7480-7482"},
		{Line: "coordd dev --port-offset 1000", Says: "a second cluster beside the first: Redis 8379-8381 and so on"},
		{Line: "coordd dev --data-dir ./data", Says: "keep the data"},
	},
}

// devFlags are the flags of dev.
type devFlags struct {
	nodes                                     options.Number
	offset                                    options.Number
	redisPort, httpPort, peerPort, gossipPort options.Number
	dataDir                                   string
	logStore                                  options.Choice
	asJSON                                    bool
	logs                                      logFlags
}

// maxDevNodes bounds the cluster of one process; more voters only make it slower.
const maxDevNodes = 7

func declareDev(set *options.Set) *devFlags {
	f := &devFlags{nodes: options.Number{Value: 3, AtLeast: 1, AtMost: maxDevNodes}, offset: options.Number{AtMost: 50_000}}
	f.logStore = options.Choice{Value: string(store.Bolt), Of: []string{string(store.Bolt), string(store.WAL)}}
	set.Var(&f.nodes, "nodes", "how many nodes")
	for _, p := range []struct {
		target *options.Number
		name   string
		number int
	}{{&f.redisPort, "redis", 7379}, {&f.httpPort, "http", 7480}, {&f.peerPort, "peer", 7580}, {&f.gossipPort, "gossip", 7680}} {
		*p.target = options.Number{Value: p.number, AtMost: 65535 - maxDevNodes}
		set.Var(p.target, p.name+"-port", "first "+p.name+" port, or 0")
	}
	set.Var(&f.offset, "port-offset", "added to all ports, for a second cluster beside the first")
	set.StringVar(&f.dataDir, "data-dir", "", "keep the data there instead of in a temporary folder")
	set.Var(&f.logStore, "log-store", "how Raft's log is stored")
	set.BoolVar(&f.asJSON, "json", false, "write the endpoints as one JSON object to stdout as soon as the cluster is ready, and the logs as JSON to stderr")
	f.logs.declare(set, "error")
	return f
}

func runDev(ctx context.Context, around *surroundings, arguments []string) (err error) {
	collectLess()
	began := time.Now()
	set := options.New(devCommand)
	flags := declareDev(set)
	operands, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	if err := noOperands(set, operands); err != nil {
		return err
	}
	if flags.asJSON {
		flags.logs.format.Value = "json"
	}
	// The ports come before the data directory, so that a start which fails for a port leaves nothing behind.
	plans, err := reserveDevPorts(flags)
	if err != nil {
		return err
	}
	folder, remove, err := devFolder(flags.dataDir)
	if err != nil {
		closePlans(plans)
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	cluster, err := startDev(flags, plans, folder, around.stderr)
	if err != nil {
		return err
	}
	report := &devReport{around: around, asJSON: flags.asJSON, kept: flags.dataDir != "", folder: folder}
	err = cluster.waitReady(ctx, report.waiting)
	if err == nil {
		report.ready(cluster, time.Since(began))
		err = cluster.untilEnd(ctx)
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	report.stopping()
	// Nodes that stop together miss each other for a moment, and each would log that as an error.
	flags.logs.quieten()
	return errors.Join(err, cluster.stop())
}

// devFolder makes the folder of the cluster's data, and says how to remove what must not stay.
func devFolder(wanted string) (folder string, remove func() error, err error) {
	keep := func() error { return nil }
	if wanted != "" {
		if err := os.MkdirAll(wanted, 0o700); err != nil {
			return "", keep, failWith(exitCannotMake, fmt.Errorf("the folder --data-dir %s cannot be made: %w", wanted, err))
		}
		folder, err = filepath.Abs(wanted)
		return folder, keep, err
	}
	folder, err = os.MkdirTemp("", "coordd-dev-")
	if err != nil {
		return "", keep, failWith(exitCannotMake, fmt.Errorf("a temporary folder cannot be made; name one with --data-dir: %w", err))
	}
	return folder, func() error { return os.RemoveAll(folder) }, nil
}

// devCluster is the nodes of one dev process.
type devCluster struct{ nodes []*instance }

// untilEnd waits for ctx or the first failure of a node.
func (c *devCluster) untilEnd(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watching sync.WaitGroup
	defer watching.Wait()
	for _, node := range c.nodes {
		watching.Go(func() {
			select {
			case err := <-node.failed:
				cancel(err)
			case <-ctx.Done():
			}
		})
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// waitReady waits until every node serves.
func (c *devCluster) waitReady(ctx context.Context, explain func(string)) error {
	for _, node := range c.nodes {
		if err := node.waitReady(ctx, explain); err != nil {
			return err
		}
	}
	return nil
}

// stop ends all nodes at once; there is nobody to hand leadership to for long.
func (c *devCluster) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	faults := make([]error, len(c.nodes))
	var stopping sync.WaitGroup
	for i, node := range c.nodes {
		stopping.Go(func() { faults[i] = node.stop(ctx) })
	}
	stopping.Wait()
	return errors.Join(faults...)
}
