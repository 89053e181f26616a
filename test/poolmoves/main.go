package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/internal/localcluster"
	"github.com/coordd/coordd/internal/process"
)

// plan is what the command line asks for.
type plan struct {
	partitions, workers int
	ttl, early          time.Duration
	picture             string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 8 && os.Args[1] == "worker" { // how this program starts its workers
		ttl, err := time.ParseDuration(os.Args[5])
		early, alsoErr := time.ParseDuration(os.Args[6])
		if err = errors.Join(err, alsoErr); err == nil {
			err = runWorker(os.Args[2], os.Args[3], os.Args[4], client.SessionOptions{TTL: ttl, EarlyEnd: early}, os.Args[7])
		}
		exit(err)
	}
	var p plan
	flag.IntVar(&p.partitions, "partitions", 4096, "of the pool")
	flag.IntVar(&p.workers, "workers", 4, "that the pool has in the beginning, 2 to 16")
	flag.DurationVar(&p.ttl, "ttl", 10*time.Second, "of the workers' sessions")
	flag.DurationVar(&p.early, "early", 0, "let the workers take part in the gossip, and their sessions agree to end after so long without a renewal; 0: not")
	flag.StringVar(&p.picture, "picture", filepath.Join("docs", "workers.svg"), "where to write the picture")
	flag.Parse()
	if flag.NArg() > 0 || p.workers < 2 || p.workers > 16 {
		flag.Usage()
		os.Exit(64)
	}
	exit(run(ctx, os.Stdout, p))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "poolmoves:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, out io.Writer, p plan) error {
	folder, err := os.MkdirTemp("", "coordd-poolmoves-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	binary, err := localcluster.Build(ctx, folder)
	if err != nil {
		return err
	}
	group := process.NewGroup(folder)
	defer group.Close(time.Second)
	nodes, err := localcluster.Found(ctx, group, binary, folder, 3)
	if err != nil {
		return err
	}
	var endpoints []string
	for _, node := range nodes.Voters {
		endpoints = append(endpoints, node.Redis)
	}
	cluster, err := client.Dial(ctx, client.Options{Endpoints: endpoints, Name: "poolmoves"})
	if err != nil {
		return err
	}
	defer cluster.Close()
	f := &fleet{group: group, pool: cluster.Pool("measured"), endpoints: strings.Join(endpoints, ","), ttl: p.ttl, early: p.early, gossip: strings.Join(nodes.Gossip, ","), running: map[string]*member{}}
	if _, err := f.pool.Create(ctx, client.PoolSettings{Partitions: p.partitions}); err != nil {
		return err
	}
	spans, err := f.play(ctx, p)
	if err != nil {
		return err
	}
	return report(out, p, spans, f.all())
}

// play lets everything happen to the fleet that happens to fleets.
func (f *fleet) play(ctx context.Context, p plan) (spans []span, err error) {
	do := func(name string, members int, act func() error) {
		if err != nil {
			return
		}
		var s span
		s, err = f.do(ctx, name, members, act)
		spans = append(spans, s)
	}
	name := func(i int) string { return fmt.Sprintf("worker-%d", i+1) }
	extra := name(p.workers)
	do(fmt.Sprintf("the first %d workers start", p.workers), p.workers, func() error {
		for i := range p.workers {
			if err := f.start(name(i)); err != nil {
				return err
			}
		}
		return nil
	})
	do("one more joins", p.workers+1, func() error { return f.start(extra) })
	do("it leaves", p.workers, func() error { return f.tell(ctx, extra, "leave") })
	do("one is killed", p.workers-1, func() error { f.kill(name(0)); return nil })
	do("it is started again", p.workers, func() error { return f.start(name(0)) })
	do("all are rolled, each keeping its place", p.workers, func() error { return f.roll(ctx, p.workers, "restart", func(id string) string { return id }) })
	do("all are rolled, each leaving for another id", p.workers, func() error { return f.roll(ctx, p.workers, "leave", func(id string) string { return id + "b" }) })
	return spans, err
}

// roll ends every worker in order and starts its successor, one after the other.
func (f *fleet) roll(ctx context.Context, members int, word string, successor func(string) string) error {
	for _, id := range list(f.running) {
		if err := f.tell(ctx, id, word); err != nil {
			return err
		}
		if err := errors.Join(f.start(successor(id)), f.settle(ctx, members)); err != nil {
			return err
		}
	}
	return nil
}

// report writes the table and the picture.
func report(out io.Writer, p plan, spans []span, events []event) error {
	fmt.Fprintf(out, "%d partitions, session TTL %s, early end %s\n\n| what happens | hand-overs | interruptions | median | longest | settled after |\n| --- | --- | --- | --- | --- | --- |\n", p.partitions, p.ttl, p.early)
	twice := 0
	for _, s := range spans {
		fmt.Fprintln(out, s.row())
		twice += s.twice
	}
	fmt.Fprintf(out, "\npartitions that were begun while another worker served them: %d\n", twice)
	if err := os.WriteFile(p.picture, []byte(plot(p, spans, events)), 0o644); err != nil {
		return err
	}
	if twice > 0 {
		return errors.New("a partition was served by two workers at once")
	}
	return nil
}
