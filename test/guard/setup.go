package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/compat/cluster"
	"github.com/coordd/coordd/test/guard/servers"
	"github.com/coordd/coordd/test/guard/store"
)

// setup is what a command works with: the cluster, the database, and this program, which is the holders' too.
type setup struct {
	out    io.Writer // for people; goes to stderr when JSON goes to stdout
	json   bool
	keep   bool
	binary string
	ttl    time.Duration

	work    string
	group   *process.Group
	program string
	nodes   *cluster.Cluster
	sql     *servers.Server
	judge   *store.Store
	client  *client.Client
}

func newSetup(set *flag.FlagSet) *setup {
	s := &setup{out: os.Stdout}
	set.BoolVar(&s.json, "json", false, "write the report to stdout as JSON; what is for people goes to stderr")
	set.BoolVar(&s.keep, "keep", false, "keep the data and logs of all processes also after success")
	set.StringVar(&s.binary, "coordd", "", "use this coordd program instead of building one from the repository")
	set.DurationVar(&s.ttl, "ttl", 2*time.Second, "how long sessions and leases live")
	return s
}

func (s *setup) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

// open starts the cluster and the database.
func (s *setup) open(ctx context.Context) (err error) {
	if s.json {
		s.out = os.Stderr
	}
	if s.ttl < time.Second || s.ttl > time.Minute {
		return fmt.Errorf("--ttl is from 1s to 1m, not %v; %w", s.ttl, errUsage)
	}
	if s.program, err = os.Executable(); err != nil {
		return err
	}
	if s.work, err = os.MkdirTemp("", "coordd-guard-"); err != nil {
		return err
	}
	s.group = process.NewGroup(s.work)
	if s.sql, err = servers.StartPostgreSQL(ctx, s.group, s.work); err != nil {
		return err
	}
	s.printf("%s\n", s.sql.Version)
	if err := s.startCluster(ctx); err != nil {
		return err
	}
	if s.judge, err = store.Open(ctx, servers.PostgreSQLAt(s.sql.Address), true, nil); err != nil {
		return err
	}
	if err := s.judge.CreateSchema(ctx); err != nil {
		return err
	}
	s.client, err = client.Dial(ctx, client.Options{Endpoints: []string{s.nodes.Address}, Name: "driver"})
	return err
}

func (s *setup) startCluster(ctx context.Context) (err error) {
	if s.binary == "" {
		if s.binary, err = cluster.BuildCoordd(ctx, filepath.Join("..", ".."), s.work); err != nil {
			return fmt.Errorf("run this with go run -C test/guard .: %w", err)
		}
	}
	if missing := cluster.ProxyMissing(); missing != "" {
		s.printf("note: %s\n", missing)
	}
	begun := time.Now()
	if s.nodes, err = cluster.StartCoordd(ctx, s.group, s.binary, s.work, 3); err != nil {
		return err
	}
	s.printf("three coordd processes are ready after %d ms, behind %s\n\n", time.Since(begun).Milliseconds(), s.nodes.Address)
	return nil
}

// close ends every process.
func (s *setup) close(failed bool) {
	if s.client != nil {
		_ = s.client.Close() // nothing is held with it
	}
	if s.judge != nil {
		_ = s.judge.DB.Close()
	}
	if s.group == nil {
		return
	}
	s.group.Close(5 * time.Second)
	if failed || s.keep {
		s.printf("\nThe data and logs of all processes are in %s\n", s.work)
		return
	}
	if err := os.RemoveAll(s.work); err != nil {
		s.printf("note: %v\n", err)
	}
}

// report writes JSON to stdout if it is wanted, and ends the command by what was found.
func (s *setup) report(report any, ok bool) error {
	var err error
	if s.json {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	}
	if !ok {
		err = errors.Join(err, errFailed)
	}
	return err
}
