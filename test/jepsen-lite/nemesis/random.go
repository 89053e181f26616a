package nemesis

import (
	"context"
	"slices"
)

// randomNemeses stand for any of the others. A function, since the list of all others is needed.
func randomNemeses() []Nemesis {
	return []Nemesis{{
		Name: "random", Row: 32, About: "any of the others that this host allows, one after the other",
		Inject: func(ctx context.Context, env *Env) error {
			candidates := slices.Concat(processNemeses, partitionNemeses, linkNemeses, adminNemeses, diskNemeses, rotNemeses, rogueNemeses, clockNemeses, crashNemeses, clientClockNemeses, suspendNemeses)
			candidates = slices.DeleteFunc(candidates, func(n Nemesis) bool { return n.Missing(env.Host, len(env.Cluster.Nodes()), env.Workloads) != "" })
			chosen := candidates[env.Random.IntN(len(candidates))]
			env.Printf("%s: %s", chosen.Name, chosen.About)
			return chosen.Inject(ctx, env)
		},
	}}
}
