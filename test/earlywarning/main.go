package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/coordd/coordd/internal/localcluster"
	"github.com/coordd/coordd/internal/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	trials := flag.Int("trials", 10, "how often each is done")
	nodes := flag.Int("nodes", 3, "voters of the cluster, 3 to 7")
	flag.Parse()
	if flag.NArg() > 0 || *nodes < 3 || *nodes > 7 || *trials < 1 {
		flag.Usage()
		os.Exit(64)
	}
	if err := run(ctx, os.Stdout, *nodes, *trials); err != nil {
		fmt.Fprintln(os.Stderr, "earlywarning:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, nodes, trials int) error {
	folder, err := os.MkdirTemp("", "coordd-earlywarning-")
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
	c, err := localcluster.Found(ctx, group, binary, folder, nodes)
	if err != nil {
		return err
	}
	w, err := startWatch(group, binary, c.Voters[0].Redis)
	if err != nil {
		return err
	}
	began, all := time.Now(), newTimes()
	for trial := range trials {
		if err := all.trial(ctx, c, w, trial); err != nil {
			return fmt.Errorf("trial %d: %w", trial+1, err)
		}
	}
	fmt.Fprintf(out, "%d trials, %d voters and a newcomer, gossip encrypted; from the act until the line of coordd members --watch has arrived\n\n", trials, nodes)
	good := all.report(out)
	wrongly := w.count("dead", began, all.killed...)
	fmt.Fprintf(out, "\nnodes that lived and were declared dead: %d\n", wrongly)
	if !good || wrongly > 0 {
		return errors.New("not as it should be; see above")
	}
	return nil
}

// times are what was measured, by what it is.
type times struct {
	rows   []*row
	killed []string // nodes that were killed
}

// row is one thing that is measured.
type row struct {
	name  string
	limit time.Duration
	took  []time.Duration
}

const (
	newcomerJoins = iota
	newcomerLeaves
	voterLeaves
	voterReturns
	killedSuspect
	killedDead
	killedReturns
)

func newTimes() *times {
	return &times{rows: []*row{
		newcomerJoins:  {name: "a newcomer is started: joined", limit: time.Second},
		newcomerLeaves: {name: "it is stopped: left", limit: time.Second},
		voterLeaves:    {name: "a voter is stopped: left", limit: time.Second},
		voterReturns:   {name: "it is started again: joined", limit: time.Second},
		killedSuspect:  {name: "a voter is killed: suspect", limit: 2 * time.Second},
		killedDead:     {name: "the same: dead", limit: 5 * time.Second},
		killedReturns:  {name: "it is started again: joined", limit: time.Second},
	}}
}

// patience bounds each wait for a line.
const patience = 15 * time.Second

// see does something and notes how long it takes until the watch shows the change.
func (t *times) see(ctx context.Context, w *watch, what int, id, change string, act func() error) error {
	began := time.Now()
	if err := act(); err != nil {
		return err
	}
	return t.note(ctx, w, began, what, id, change)
}

func (t *times) note(ctx context.Context, w *watch, began time.Time, what int, id, change string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l, err := w.after(ctx, began, id, change)
	if err != nil {
		return err
	}
	t.rows[what].took = append(t.rows[what].took, l.at.Sub(began))
	return nil
}

// trial does each thing once. The watched node stays; the others take turns.
func (t *times) trial(ctx context.Context, c *localcluster.Cluster, w *watch, trial int) error {
	visitor, err := c.Newcomer()
	if err != nil {
		return err
	}
	others := c.Voters[1:]
	stopped, killed := others[trial%len(others)], others[(trial+1)%len(others)]
	t.killed = append(t.killed, killed.ID)
	// A process is told to stop and is not waited for: what counts is when others know.
	stop := func(n *localcluster.Node) func() error {
		return func() error { go n.Process.Stop(patience); return nil }
	}
	err = errors.Join(
		t.see(ctx, w, newcomerJoins, visitor.ID, "joined", visitor.Start),
		t.see(ctx, w, newcomerLeaves, visitor.ID, "left", stop(visitor)),
		t.see(ctx, w, voterLeaves, stopped.ID, "left", stop(stopped)))
	if err != nil {
		return err
	}
	<-stopped.Process.Exited()
	if err := errors.Join(t.see(ctx, w, voterReturns, stopped.ID, "joined", stopped.Start), stopped.Ready(ctx)); err != nil {
		return err
	}
	began := time.Now()
	killed.Process.Kill()
	if err := errors.Join(t.note(ctx, w, began, killedSuspect, killed.ID, "suspect"), t.note(ctx, w, began, killedDead, killed.ID, "dead")); err != nil {
		return err
	}
	return errors.Join(t.see(ctx, w, killedReturns, killed.ID, "joined", killed.Start), killed.Ready(ctx))
}

// report prints a line for each row, and whether all are within their limits.
func (t *times) report(out io.Writer) (good bool) {
	good = true
	fmt.Fprintf(out, "%-34s %8s %8s %8s %8s\n", "", "least", "median", "longest", "limit")
	for _, r := range t.rows {
		slices.Sort(r.took)
		longest := r.took[len(r.took)-1]
		verdict := ""
		if longest > r.limit {
			verdict, good = "  TOO LONG", false
		}
		fmt.Fprintf(out, "%-34s %s %s %s %s%s\n", r.name, seconds(r.took[0]), seconds(r.took[len(r.took)/2]), seconds(longest), seconds(r.limit), verdict)
	}
	return good
}

func seconds(d time.Duration) string { return fmt.Sprintf("%6.2f s", d.Seconds()) }
