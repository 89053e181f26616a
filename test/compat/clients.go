package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/coordd/coordd/test/compat/foreign"
	"github.com/coordd/coordd/test/compat/lines"
)

// scenarioSteps are the steps of every client's scenario, in order.
var scenarioSteps = []string{"acquire", "contend", "extend", "release", "expire"}

func clientsCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	selection := set.String("client", "", "the clients to run, separated by commas (redsync means all of redsync-…); all when empty")
	return func(ctx context.Context, s *setup) error {
		clients, err := foreign.Select(*selection)
		if err != nil {
			return err
		}
		return runClients(ctx, s, clients)
	}
}

func runClients(ctx context.Context, s *setup, clients []foreign.Client) error {
	usable, skipped, err := s.prepare(ctx, clients)
	if err != nil {
		return err
	}
	servers, err := s.start(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, fmt.Errorf("two minutes are over"))
	defer cancel()
	workers := map[string]*foreign.Worker{}
	run := time.Now().UnixMilli()
	for _, client := range usable {
		order := foreign.Order{Address: servers.Address, Names: []string{fmt.Sprintf("compat:%d:%s", run, client.Name)}, Fence: s.fence()}
		if workers[client.Name], err = s.workshop.Start(s.group, client, order); err != nil {
			return err
		}
	}
	count := tally{}
	for _, client := range clients {
		if reason := skipped[client.Name]; reason != "" {
			s.printf("%-22s %-44s skipped: %s\n", client.Name, client.What, reason)
			count.skipped++
			continue
		}
		passed, report := scenarioReport(ctx, workers[client.Name])
		s.printf("%-22s %-44s %s\n", client.Name, client.What, report)
		count.add(passed)
	}
	return count.end(s)
}

// scenarioReport waits for the worker and tells how each step went.
func scenarioReport(ctx context.Context, worker *foreign.Worker) (bool, string) {
	ended := worker.Process.Wait(ctx)
	said, err := worker.Lines()
	if err != nil {
		return false, err.Error()
	}
	var report []string
	done := map[string]bool{}
	for _, line := range said {
		if line.Event != lines.Check {
			continue
		}
		if !line.OK {
			return false, strings.Join(append(report, "FAILED at "+line.Step+": "+line.Detail), ", ")
		}
		done[line.Step] = true
		report = append(report, strings.TrimSpace(line.Step+" "+line.Detail))
	}
	for _, step := range scenarioSteps {
		if !done[step] {
			return false, strings.Join(append(report, fmt.Sprintf("FAILED: no word about %s (%v)", step, ended)), ", ")
		}
	}
	if ended != nil {
		return false, ended.Error()
	}
	return true, strings.Join(report, ", ")
}

// tally counts results; what was skipped is never counted as passed.
type tally struct{ passed, failed, skipped int }

func (t *tally) add(passed bool) {
	if passed {
		t.passed++
	} else {
		t.failed++
	}
}

func (t *tally) end(s *setup) error {
	s.printf("\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	if t.failed > 0 {
		return errFailed
	}
	if t.passed == 0 {
		return errNothingChecked
	}
	return nil
}
