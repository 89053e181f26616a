// Package workergossip lets a worker of a pool take part in the gossip of the cluster's nodes, which notice within two or three seconds that its process has died. Their leader then looks at its session
// sooner than at the end of its TTL:
//
//	gossip, err := workergossip.Join(workergossip.Config{ClusterName: "prod", Nodes: []string{"10.0.0.1:7680", "10.0.0.2:7680", "10.0.0.3:7680"}, Key: key})
//	defer gossip.Leave(time.Second)
//	worker, err := cluster.Pool("orders").Join(ctx, client.WorkerConfig{
//		ID: "w1", Session: client.SessionOptions{TTL: 10 * time.Second, EarlyEnd: 3 * time.Second}, Gossip: gossip,
//	}, handler)
//
// What gossip says decides nothing: a session ends early only if it agreed to that by EarlyEnd, and only if it has not been renewed for so long. Without EarlyEnd nothing changes but what
// coordd members --workers shows.
//
// Gossip is encrypted with the key of the nodes (--gossip-key of coordd serve) and belongs to one cluster by its name. Whoever has the key can forge it; what he can do by that, and what protects against it,
// stands at [client.SessionOptions] and in docs/workers.md. Servers and workers reach each other over UDP and TCP in both directions.
//
// It is a package of its own because it links memberlist; programs without it carry none of that.
package workergossip
