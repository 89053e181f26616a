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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/coordd/coordd/internal/process"
)

// plan is what to measure.
type plan struct {
	systems  []string
	clients  []int
	rounds   int
	cell     time.Duration
	warmUp   time.Duration
	logStore string
	proxy    bool
	coordd   string
	json     string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == raftNodeCommand {
		err = runRaftNode(ctx, os.Args[2:], os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	plan, err := parse(args)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "coordd-bench-")
	if err != nil {
		return err
	}
	group := process.NewGroup(work)
	table, err := measure(ctx, plan, &workplace{group: group, folder: work, out: out})
	group.Close(3 * time.Second)
	if err != nil {
		fmt.Fprintf(out, "\nThe data and logs of all processes are in %s\n", work)
		return err
	}
	os.RemoveAll(work)
	return table.write(out, plan.json)
}

func parse(args []string) (*plan, error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	p := &plan{}
	systems := set.String("systems", strings.Join(systemNames(), ","), "what to measure, separated by commas")
	clients := set.String("clients", "1,64,256", "how many clients work at once, separated by commas")
	set.IntVar(&p.rounds, "rounds", 3, "how often each number is measured; the table has the medians")
	set.DurationVar(&p.cell, "duration", 3*time.Second, "how long each measurement takes")
	set.DurationVar(&p.warmUp, "warm-up", 500*time.Millisecond, "load before each measurement that is not counted")
	set.StringVar(&p.logStore, "log-store", "bolt", "how coordd and raft store their logs: bolt or wal (raft: bolt only)")
	set.BoolVar(&p.proxy, "proxy", false, "lead the clients of coordd through haproxy instead of spreading them over the nodes")
	set.StringVar(&p.coordd, "coordd", "", "use this coordd program instead of building one from the repository")
	set.StringVar(&p.json, "json", "", "also write every measurement to this file as JSON")
	set.Usage = func() {
		fmt.Fprint(set.Output(), "bench measures acquire and release cycles on coordd, beside raft alone and Redlock.\n\nUsage: go run -C bench . [flags]\n\n")
		set.PrintDefaults()
	}
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("bench takes no arguments besides flags, but got %q", set.Args())
	}
	for name := range strings.SplitSeq(*systems, ",") {
		if !slices.Contains(systemNames(), name) {
			return nil, fmt.Errorf("there is no system %q; there are %s", name, strings.Join(systemNames(), ", "))
		}
		p.systems = append(p.systems, name)
	}
	for text := range strings.SplitSeq(*clients, ",") {
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 || number > 4096 {
			return nil, fmt.Errorf("--clients wants numbers from 1 to 4096, not %q", text)
		}
		p.clients = append(p.clients, number)
	}
	if p.rounds < 1 || p.cell <= 0 {
		return nil, errors.New("--rounds and --duration must be above zero")
	}
	if p.json != "" {
		absolute, err := filepath.Abs(p.json)
		if err != nil {
			return nil, err
		}
		p.json = absolute
	}
	return p, nil
}
