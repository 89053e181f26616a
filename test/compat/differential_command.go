package main

import (
	"context"
	"flag"
	"maps"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/coordd/coordd/test/compat/cluster"
	"github.com/coordd/coordd/test/compat/differential"
)

// comparison is the differential test as the command line asks for it.
type comparison struct {
	seed, first, sequences uint64
	lanes                  int
	replyTimeout           time.Duration
	show                   bool
}

func differentialCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	c := &comparison{}
	set.Uint64Var(&c.seed, "seed", 1, "the seed from which the sequences are made")
	set.Uint64Var(&c.first, "first", 0, "the number of the first sequence")
	set.Uint64Var(&c.sequences, "sequences", 10000, "how many sequences to run")
	set.IntVar(&c.lanes, "lanes", 8, "how many sequences to run at once")
	set.DurationVar(&c.replyTimeout, "reply-timeout", 5*time.Second, "when a reply counts as missing")
	set.BoolVar(&c.show, "show", false, "print the sequences and run nothing")
	return c.run
}

func (c *comparison) run(ctx context.Context, s *setup) error {
	if c.show {
		for number := c.first; number < c.first+c.sequences; number++ {
			s.printf("sequence %d of seed %d:\n%s\n", number, c.seed, differential.Generate(c.seed, number))
		}
		return nil
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		s.printf("redis-server is not installed (Debian: apt-get install redis-server): there is nothing to compare with.\n\n0 passed, 0 failed, %d skipped\n", c.sequences)
		return errNothingChecked
	}
	oracle, err := cluster.StartRedis(ctx, s.group, s.work, "oracle")
	if err != nil {
		return err
	}
	subject, err := s.start(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	report, err := c.campaign(s, oracle.Address, subject.Address).Run(ctx)
	if err != nil {
		return err
	}
	return c.report(s, report, time.Since(began))
}

func (c *comparison) campaign(s *setup, oracle, subject string) *differential.Campaign {
	runner := &differential.Runner{
		Oracle: dialer(oracle), Subject: dialer(subject),
		RunID: strconv.FormatInt(time.Now().UnixMilli(), 36), ReplyTimeout: c.replyTimeout,
	}
	if s.fence() {
		runner.Allowed = differential.CoorddAllowances
	}
	step := max(c.sequences/10, 1)
	return &differential.Campaign{
		Runner: runner, Seed: c.seed, First: c.first, Count: c.sequences, Lanes: c.lanes,
		Progress: func(done uint64) {
			if done%step == 0 {
				s.printf("%d of %d sequences\n", done, c.sequences)
			}
		},
	}
}

func dialer(address string) differential.Dial {
	return func(ctx context.Context) (net.Conn, error) {
		dialer := net.Dialer{Timeout: 2 * time.Second}
		return dialer.DialContext(ctx, "tcp", address)
	}
}

func (c *comparison) report(s *setup, report *differential.Report, took time.Duration) error {
	s.printf("\n%d sequences of seed %d, %d commands, %d replies in %v: %d equal byte for byte, %d equal but for times and ids\n",
		report.Sequences, c.seed, report.Commands, report.Replies, took.Round(time.Millisecond), report.Exact, report.Masked)
	for _, name := range slices.Sorted(maps.Keys(report.Allowed)) {
		s.printf("  %d replies differ as DIFFERENCES.md argues under %q\n", report.Allowed[name], name)
	}
	for number, finding := range report.Findings {
		s.printf("\nDIFFERENCE %d, in %d sequences; the smallest that shows it:\n%s\n", number+1, finding.Times, finding.Difference)
	}
	s.printf("\n%d passed, %d failed, 0 skipped\n", report.Sequences-report.Differing, report.Differing)
	if report.Differing > 0 {
		return errFailed
	}
	if report.Sequences == 0 {
		return errNothingChecked
	}
	return nil
}
