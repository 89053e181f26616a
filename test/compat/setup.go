package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/compat/cluster"
	"github.com/coordd/coordd/test/compat/foreign"
)

// setup is what every command works with: where things are, and the processes
// that it has started.
type setup struct {
	out     io.Writer
	against string
	address string
	binary  string
	keep    bool
	// snapshotEntries and logStore are flags of coordd serve.
	snapshotEntries int
	logStore        string
	module          string
	work            string

	group    *process.Group
	workshop *foreign.Workshop
}

// wholeLog is more entries than any campaign writes.
const wholeLog = 1 << 30

func newSetup(set *flag.FlagSet, out io.Writer) *setup {
	s := &setup{out: out}
	set.StringVar(&s.against, "against", "coordd", "what to start: coordd (three nodes behind haproxy) or redis (one redis-server, as a control)")
	set.StringVar(&s.address, "address", "", "use the coordd that already runs at this address instead of starting one (where no node has to be killed)")
	set.StringVar(&s.binary, "coordd", "", "use this coordd program instead of building one from the repository")
	set.IntVar(&s.snapshotEntries, "snapshot-entries", wholeLog, "after how many log entries a node takes a snapshot; by default it never does, so that the whole log can be judged")
	set.StringVar(&s.logStore, "log-store", "bolt", "how coordd stores its log: bolt or wal")
	set.BoolVar(&s.keep, "keep", false, "keep the working folder (data and logs of all processes) also after success")
	return s
}

func (s *setup) open() error {
	if s.against != "coordd" && s.against != "redis" {
		return fmt.Errorf("--against is coordd or redis, not %q", s.against)
	}
	module, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(module, "workers", "golang")); err != nil {
		return fmt.Errorf("run this from the folder test/compat of the repository, or with go run -C test/compat . (%w)", err)
	}
	s.module = module
	if s.work, err = os.MkdirTemp("", "coordd-compat-"); err != nil {
		return err
	}
	s.group = process.NewGroup(s.work)
	s.workshop = &foreign.Workshop{Module: module, Binaries: s.work}
	return nil
}

// close ends every process and removes the working folder unless it is wanted.
func (s *setup) close(failed bool) {
	s.group.Close(3 * time.Second)
	if failed || s.keep {
		fmt.Fprintf(s.out, "\nThe data and logs of all processes are in %s\n", s.work)
		return
	}
	os.RemoveAll(s.work)
}

func (s *setup) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

// fence says whether the servers have fencing tokens.
func (s *setup) fence() bool { return s.against == "coordd" }

// start starts the servers, or uses those at --address.
func (s *setup) start(ctx context.Context) (*cluster.Cluster, error) {
	if s.address != "" {
		return &cluster.Cluster{Address: s.address, IsCoordd: s.fence()}, nil
	}
	if s.against == "redis" {
		return cluster.StartRedis(ctx, s.group, s.work, "redis")
	}
	binary := s.binary
	if binary == "" {
		var err error
		if binary, err = cluster.BuildCoordd(ctx, filepath.Join(s.module, "..", ".."), s.work); err != nil {
			return nil, err
		}
	}
	if missing := cluster.ProxyMissing(); missing != "" {
		s.printf("note: %s\n", missing)
	}
	began := time.Now()
	servers, err := cluster.StartCoordd(ctx, s.group, binary, s.work, 3,
		"--log-store", s.logStore, "--snapshot-entries", strconv.Itoa(s.snapshotEntries))
	if err != nil {
		return nil, err
	}
	s.printf("three coordd processes are ready after %v, behind %s\n", time.Since(began).Round(time.Millisecond), servers.Address)
	return servers, nil
}

// startOwn is start for commands that kill servers.
func (s *setup) startOwn(ctx context.Context) (*cluster.Cluster, error) {
	if s.address != "" {
		return nil, errors.New("this command kills servers, so it starts its own; leave --address out")
	}
	return s.start(ctx)
}

// prepare prepares the languages of the clients and returns those that can be
// run, and for each of the others the reason why not.
func (s *setup) prepare(ctx context.Context, clients []foreign.Client) ([]foreign.Client, map[string]string, error) {
	reasons := map[foreign.Language]string{}
	prepared := map[foreign.Language]bool{}
	skipped := map[string]string{}
	var usable []foreign.Client
	for _, client := range clients {
		if !prepared[client.Language] {
			prepared[client.Language] = true
			err := s.workshop.Prepare(ctx, client.Language)
			var missing *foreign.Missing
			switch {
			case errors.As(err, &missing):
				reasons[client.Language] = missing.Reason
			case err != nil:
				return nil, nil, fmt.Errorf("prepare the %s clients: %w", client.Language, err)
			}
		}
		if reason := reasons[client.Language]; reason != "" {
			skipped[client.Name] = reason
			continue
		}
		usable = append(usable, client)
	}
	return usable, skipped, nil
}
