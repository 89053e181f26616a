package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/pools"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// poolsCommand lets workers share a pool while they and the leader are killed, and judges who owned what.
func poolsCommand(ctx context.Context, arguments []string) (check.Verdict, error) {
	plan := pools.Default()
	set := flag.NewFlagSet("pools", flag.ContinueOnError)
	poolsFlags(set, &plan)
	out := set.String("out", "", "folder for logs; a new one below the system's temporary folder if not given")
	binary := set.String("coordd", "", "use this coordd program instead of building one")
	if err := parse(set, arguments); err != nil {
		return "", err
	}
	if err := plan.Validate(); err != nil {
		return "", fmt.Errorf("%w\n%w", err, errUsage)
	}
	shop, err := openWorkshop(ctx, *binary)
	if err != nil {
		return "", err
	}
	defer shop.close()
	if err := shop.build(ctx, run.Default()); err != nil {
		return "", err
	}
	if *out == "" {
		if *out, err = os.MkdirTemp("", "jepsen-lite-pools-"); err != nil {
			return "", err
		}
	} else if err := os.MkdirAll(*out, 0o755); err != nil {
		return "", err
	}
	return pools.Do(ctx, plan, pools.Place{Out: *out, Binary: shop.built[variant{}].coordd, Program: shop.program, Say: os.Stdout})
}

func poolsFlags(set *flag.FlagSet, plan *pools.Plan) {
	set.DurationVar(&plan.Duration, "duration", plan.Duration, "for how long things go wrong; each at least once")
	set.IntVar(&plan.Workers, "workers", plan.Workers, "how many worker processes")
	set.IntVar(&plan.Partitions, "partitions", plan.Partitions, "of the pool")
	set.DurationVar(&plan.TTL, "ttl", plan.TTL, "time to live of the workers' sessions")
	set.DurationVar(&plan.Early, "early", plan.Early, "let workers take part in the gossip, and their sessions agree to end after so long without a renewal; 0: not")
	set.StringVar(&plan.Gossip, "gossip", plan.Gossip, "what becomes of the gossip between nodes: ok, cut, or rogue")
	set.BoolVar(&plan.Duplicate, "duplicate-worker", plan.Duplicate, "let second processes come under the ids of workers that live")
	set.IntVar(&plan.Lookups, "lookups", plan.Lookups, "of the router, a second")
	set.IntVar(&plan.Requests, "requests", plan.Requests, "that the router sends, a second")
	set.Uint64Var(&plan.Seed, "seed", plan.Seed, "chooses victims and their order")
	set.DurationVar(&plan.Election, "election-timeout", plan.Election, "of the nodes, for a machine that is busy with other things; 0 is their own")
}
