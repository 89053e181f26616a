package main

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/coordd/coordd/test/guard/crash"
	"github.com/coordd/coordd/test/guard/servers"
)

func crashCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	workers := set.Int("workers", 32, "how many processes take the locks in turn")
	locks := set.Int("locks", 8, "how many locks they share; each protects two rows")
	duration := set.Duration("duration", time.Minute, "how long workers are killed")
	every := set.Duration("every", time.Second, "how often one is killed")
	pauses := set.Int("kills-per-pause", 5, "after so many kills one more worker is stopped for 1.5 TTL, so that it writes late; 0 for never")
	return func(ctx context.Context, s *setup) error {
		if *locks < 1 || *workers < 2**locks || *workers > 128 || *duration < *every || *every < 100*time.Millisecond || *pauses < 0 {
			return fmt.Errorf("give at least two workers for each lock and at most 128, and a duration that is not shorter than --every, which is at least 100ms; %w", errUsage)
		}
		s.printf("%d workers share %d locks; one is killed between its two rows every %v for %v\n", *workers, *locks, *every, *duration)
		report, err := crash.Run(ctx, crash.Campaign{Group: s.group, Program: s.program, Endpoint: s.nodes.Address, DSN: servers.PostgreSQLAt(s.sql.Address), Store: s.judge,
			Workers: *workers, Locks: *locks, TTL: s.ttl, Duration: *duration, Every: *every, Pauses: *pauses, Progress: s.out})
		if err != nil {
			return err
		}
		return s.report(report, s.crashTable(report))
	}
}

func (s *setup) crashTable(r crash.Report) bool {
	s.printf("\n")
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name  string
		value any
	}{
		{"turns that were done whole", r.Turns},
		{"workers killed between their two rows", r.Kills},
		{"workers stopped there for 1.5 TTL, which then wrote", r.Pauses},
		{"takeovers, ms: p50 / p99 / max (TTL)", fmt.Sprintf("%d / %d / %d (%d)", r.P50MS, r.P99MS, r.MaxMS, r.TTLMS)},
		{"half-done pairs found and repaired by the next holder", r.HalfDone},
		{"pairs half done at the end", r.Unrepaired},
		{"stale writes refused", r.StaleRefused},
		{"stale writes accepted", r.StaleAccepted},
	} {
		fmt.Fprintf(table, "%s\t%v\n", row.name, row.value)
	}
	if err := table.Flush(); err != nil {
		return false
	}
	for _, fault := range r.Faults {
		s.printf("\n%s", fault)
	}
	if len(r.Faults) == 0 {
		s.printf("\nPASSED\n")
	} else {
		s.printf("\nFAILED\n")
	}
	return len(r.Faults) == 0
}
