package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/compare"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// compareCommand lets the same faults happen to coordd and to others.
func compareCommand(ctx context.Context, arguments []string) (check.Verdict, error) {
	set := flag.NewFlagSet("compare", flag.ContinueOnError)
	rounds := set.Int("rounds", 5, "how often each fault happens to each system")
	ttl := set.Duration("ttl", run.DefaultTTL, "time to live of locks and sessions")
	seed := set.Uint64("seed", 1, "chooses what clients do")
	out := set.String("out", "", "folder for histories and logs; a new one below the system's temporary folder if not given")
	systems, faults := compare.Systems, compare.Faults
	set.Var(list{&systems}, "systems", "which systems; names with commas")
	set.Var(list{&faults}, "faults", "which faults; names with commas")
	if err := parse(set, arguments); err != nil {
		return "", err
	}
	shop, err := openWorkshop(ctx, "")
	if err != nil {
		return "", err
	}
	defer shop.close()
	if err := shop.build(ctx, run.Default()); err != nil {
		return "", err
	}
	if *out == "" {
		if *out, err = os.MkdirTemp("", "jepsen-lite-compare-"); err != nil {
			return "", err
		}
	}
	plan := compare.Plan{Coordd: shop.built[variant{}].coordd, Clients: shop.program, Rivals: filepath.Join(shop.folder, "rivals"), Out: *out, Rounds: *rounds, TTL: *ttl, Seed: *seed, Say: os.Stdout}
	build := exec.CommandContext(ctx, "go", "build", "-C", "test/jepsen-lite/rivals", "-o", plan.Rivals, ".")
	build.Dir = shop.repository
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the rivals' client: %w\n%s", err, output)
	}
	var rows []compare.Row
	skipped := 0
	for _, name := range systems {
		if _, err := exec.LookPath("redis-server"); err != nil && name != "coordd" {
			fmt.Printf("skipped: %s needs redis-server, which is not installed (Debian: apt-get install redis-server)\n", name)
			skipped++
			continue
		}
		for _, fault := range faults {
			begin := time.Now()
			row, err := compare.Run(ctx, plan, name, fault)
			if err != nil {
				return "", err
			}
			fmt.Printf("%-15s %-16s %4.0f s  %d holds, %d overlaps\n", name, fault, time.Since(begin).Seconds(), row.Holds, row.Overlaps)
			rows = append(rows, row)
		}
	}
	fmt.Println()
	if err := compare.Table(os.Stdout, rows); err != nil {
		return "", err
	}
	fmt.Printf("\n%d systems were skipped; histories and logs: %s\n", skipped, *out)
	return compare.Judge(rows), nil
}
