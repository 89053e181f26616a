package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/coordd/coordd/test/guard/scenarios"
	"github.com/coordd/coordd/test/guard/servers"
)

func scenariosCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	only := set.String("only", "", "play only these, with commas, such as K1,K11")
	atOnce := set.Int("at-once", 6, "how many are played at the same time")
	sabotage := set.Bool("sabotage", false, "leave the guard out where it is said to be on; every scenario must then fail")
	return func(ctx context.Context, s *setup) error {
		chosen, err := choose(*only)
		if err != nil {
			return err
		}
		if *atOnce < 1 || *atOnce > 32 {
			return fmt.Errorf("--at-once is from 1 to 32, not %d; %w", *atOnce, errUsage)
		}
		return playAll(ctx, s, chosen, *atOnce, *sabotage)
	}
}

func choose(only string) ([]scenarios.Scenario, error) {
	if only == "" {
		return scenarios.All, nil
	}
	var chosen []scenarios.Scenario
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(scenarios.All, func(s scenarios.Scenario) bool { return strings.EqualFold(s.Name, strings.TrimSpace(name)) })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q; %w", name, errUsage)
		}
		chosen = append(chosen, scenarios.All[i])
	}
	return chosen, nil
}

// playAll plays each scenario with the guard and without it.
func playAll(ctx context.Context, s *setup, chosen []scenarios.Scenario, atOnce int, sabotage bool) error {
	place := &scenarios.Place{Group: s.group, Program: s.program, Cluster: s.nodes.Address, Store: s.sql.Address,
		DSN: servers.PostgreSQLAt, Client: s.client, Judge: s.judge, TTL: s.ttl, Sabotage: sabotage}
	results := make([]scenarios.Result, 2*len(chosen))
	free := make(chan struct{}, atOnce)
	var playing sync.WaitGroup
	var mu sync.Mutex
	for i := range results {
		free <- struct{}{}
		playing.Go(func() {
			defer func() { <-free }()
			result := scenarios.Play(ctx, place, chosen[i/2], i%2 == 0)
			mu.Lock()
			defer mu.Unlock()
			results[i] = result
			s.printf("  %-4s guard %-3s  %4.1f s  %s\n", result.Scenario, mode(result.Guarded), result.Seconds, verdict(result))
		})
	}
	playing.Wait()
	return s.report(results, s.table(results))
}

func mode(guarded bool) string {
	if guarded {
		return "on"
	}
	return "off"
}

func verdict(result scenarios.Result) string {
	if result.OK() {
		return "as it must be"
	}
	return "FAILED: " + strings.Join(result.Faults, "; ")
}

// table shows both runs of each scenario beside each other, and answers whether all is as it must be.
func (s *setup) table(results []scenarios.Result) bool {
	s.printf("\n")
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tSTALE WRITES WITH THE GUARD\t\tWITHOUT IT\t\t")
	fmt.Fprintln(table, "\tREFUSED\tACCEPTED\tACCEPTED\t\t")
	ok, accepted, refused, without := true, 0, 0, 0
	for i := 0; i+1 < len(results); i += 2 {
		on, off := results[i], results[i+1]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%s\n", on.Scenario, on.StaleRefused, on.StaleAccepted, off.StaleAccepted, on.Title, strings.Join(on.Notes, "; "))
		ok = ok && on.OK() && off.OK()
		accepted, refused, without = accepted+on.StaleAccepted, refused+on.StaleRefused, without+off.StaleAccepted
	}
	fmt.Fprintf(table, "all\t%d\t%d\t%d\t\t\n", refused, accepted, without)
	if err := table.Flush(); err != nil {
		return false
	}
	for _, result := range results {
		for _, fault := range result.Faults {
			s.printf("\n%s, guard %s: %s", result.Scenario, mode(result.Guarded), fault)
		}
	}
	if ok {
		s.printf("\nPASSED: with the guard no stale write was accepted; without it the same scenarios let them in.\n")
	} else {
		s.printf("\nFAILED\n")
	}
	return ok
}
