package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/mutant"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
	"github.com/coordd/coordd/test/jepsen-lite/run"
	"github.com/coordd/coordd/test/jepsen-lite/suite"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// expandAll replaces the word all.
func expandAll(plan *run.Plan) {
	if len(plan.Workloads) == 1 && plan.Workloads[0] == "all" {
		plan.Workloads = workload.Names()
	}
}

func listCommand(_ context.Context, arguments []string) (check.Verdict, error) {
	if err := parse(flag.NewFlagSet("list", flag.ContinueOnError), arguments); err != nil {
		return "", err
	}
	fmt.Println("workloads (--workload, names with commas, or all)")
	for _, one := range workload.All {
		fmt.Printf("  %-20s %s\n", one.Name, one.About)
	}
	fmt.Println("\nnemeses (--nemesis, names with commas), with their rows in the fault matrix")
	host := run.Host()
	for _, one := range nemesis.All() {
		fmt.Printf("  %-20s %2d  %s\n", one.Name, one.Row, one.About)
		if alias := one.Alias(); alias != "" {
			fmt.Printf("  %-20s     also called %s\n", "", alias)
		}
		if needs := one.Requirements(); len(needs) > 0 {
			fmt.Printf("  %-20s     needs %s\n", "", strings.Join(needs, ", "))
		}
		if missing := one.Missing(host, 9, workload.Names()); missing != "" {
			fmt.Printf("  %-20s     not here: %s\n", "", missing)
		}
	}
	fmt.Println("\nnetworks (--network)")
	fmt.Printf("  %-20s everything that is sent passes through the harness, in streams and datagrams; needs nothing\n", network.Proxies)
	fmt.Printf("  %-20s each node and each client process in a network namespace of its own, real packets, and a firewall between them\n", network.Namespaces)
	if missing := network.NamespacesMissing(); missing != "" {
		fmt.Printf("  %-20s     not here: %s\n", "", missing)
	}
	fmt.Println("\ncheckers")
	for _, one := range check.All() {
		fmt.Printf("  %-20s %s\n", one.Name, one.About)
	}
	fmt.Println("\nmutants (--mutant, or the command mutants for all)")
	for _, one := range mutant.All() {
		fmt.Printf("  %-26s %s\n", one.Name, one.About)
	}
	fmt.Println("\nsuites")
	for _, one := range suite.All() {
		fmt.Printf("  %-20s %3d runs: %s\n", one.Name, len(one.Runs), one.About)
	}
	return "", nil
}
