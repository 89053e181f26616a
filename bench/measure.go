package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// measurement is one number of one system in one round.
type measurement struct {
	System    string  `json:"system"`
	Clients   int     `json:"clients"`
	Round     int     `json:"round"`
	PerSecond float64 `json:"cycles_per_second"`
	// CPU is the processor time of a cycle, all processes together. It says more than the rate on a machine that others use as well. Zero: not known here.
	CPU cpuTime `json:"cpu_per_cycle"`
	*sample
}

// results is everything that was measured, and what was not and why.
type results struct {
	Started      time.Time         `json:"started"`
	CPUs         int               `json:"cpus"`
	LogStore     string            `json:"log_store"`
	Measurements []measurement     `json:"measurements"`
	Skipped      map[string]string `json:"skipped"`

	plan *plan
}

// measure starts all systems, and measures them in turns.
func measure(ctx context.Context, p *plan, place *workplace) (*results, error) {
	r := &results{Started: time.Now(), CPUs: runtime.NumCPU(), LogStore: p.logStore, Skipped: map[string]string{}, plan: p}
	systems := map[string]system{}
	for _, name := range p.systems {
		started, err := startSystem(ctx, name, p, place)
		if errors.Is(err, errSkipped) {
			r.Skipped[name] = err.Error()
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
		systems[name] = started
	}
	for round := range p.rounds {
		for _, clients := range p.clients {
			for _, name := range p.systems {
				if systems[name] == nil {
					continue
				}
				cpu := watchCPU(systems[name].PIDs(), p.warmUp, p.cell)
				sample, err := systems[name].Measure(ctx, clients, p.warmUp, p.cell)
				perCycle := cpu.per(sample)
				if err != nil {
					return nil, fmt.Errorf("%s with %d clients: %w", name, clients, err)
				}
				fmt.Fprintf(place.out, "round %d: %-13s %4d clients %9.0f cycles/s  p50 %9s  p99 %9s  %s  %d errors %s\n", round+1, name, clients,
					sample.PerSecond(), short(sample.P50), short(sample.P99), perCycle, sample.Errors, sample.FirstError)
				r.Measurements = append(r.Measurements, measurement{name, clients, round + 1, sample.PerSecond(), perCycle, sample})
			}
		}
	}
	return r, nil
}

func short(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

// write prints the table of medians, and writes the JSON file if one is wanted.
func (r *results) write(out io.Writer, path string) error {
	fmt.Fprintf(out, "\nMedians of %d rounds of %v; %d CPUs for clients and servers together; log store %s.\n\n", r.plan.rounds, r.plan.cell, r.CPUs, r.LogStore)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "clients\tsystem\tcycles/s\tp50\tp99\tCPU/cycle: servers\tclients\terrors\tcoordd is")
	for _, clients := range r.plan.clients {
		coordd, _ := r.median("coordd", clients)
		for _, name := range r.plan.systems {
			row, found := r.median(name, clients)
			if !found {
				continue
			}
			times := ""
			if coordd.PerSecond > 0 && name != "coordd" {
				times = fmt.Sprintf("%.2f x", coordd.PerSecond/row.PerSecond)
			}
			fmt.Fprintf(table, "%d\t%s\t%.0f\t%s\t%s\t%s\t%s\t%d\t%s\n", clients, name, row.PerSecond, short(row.P50), short(row.P99),
				microseconds(row.CPU.Servers), microseconds(row.CPU.Clients), row.Errors, times)
		}
	}
	table.Flush()
	for name, reason := range r.Skipped {
		fmt.Fprintf(out, "%s: %s\n", name, reason)
	}
	if path == "" {
		return nil
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}

// median is the round in the middle by its rate, with the errors of all rounds.
func (r *results) median(system string, clients int) (measurement, bool) {
	var rounds []measurement
	errors := 0
	for _, m := range r.Measurements {
		if m.System == system && m.Clients == clients {
			rounds = append(rounds, m)
			errors += m.Errors
		}
	}
	if len(rounds) == 0 {
		return measurement{}, false
	}
	slices.SortFunc(rounds, func(a, b measurement) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
	middle := rounds[len(rounds)/2]
	total := *middle.sample
	total.Errors = errors
	middle.sample = &total
	return middle, true
}
