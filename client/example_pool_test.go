package client_test

import (
	"context"
	"fmt"
	"time"

	"github.com/coordd/coordd/client"
)

// counter is what a worker does for each partition that it owns.
type counter struct{}

// OnAssigned implements client.PoolHandler.
func (counter) OnAssigned(ctx context.Context, partition int, token uint64) {
	// Read the partition's state, and write it with the token from now on.
}

// OnRevoked implements client.PoolHandler.
func (counter) OnRevoked(ctx context.Context, partition int, token uint64) {
	// Write what is left to be written. When this returns, the partition is handed over.
}

// A worker serves its share of the keys, and hands it over when it leaves.
func ExamplePool_Join() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()

	pool := cluster.Pool("orders")
	if _, err := pool.Create(ctx, client.PoolSettings{Partitions: 256}); err != nil {
		fmt.Println(err)
		return
	}
	worker, err := pool.Join(ctx, client.WorkerConfig{ID: "orders-0", Address: "10.0.0.1:80", Grace: 30 * time.Second}, counter{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for len(worker.Owned()) < 256 { // a program does not wait: it is told
		time.Sleep(time.Millisecond)
	}
	err = worker.Do(ctx, "order-77", func(ctx context.Context, token uint64) error {
		return writeReport(ctx, token) // of this key nobody else writes anything now
	})
	fmt.Println("served:", err)
	fmt.Println("left:", worker.Leave(ctx))
	// Output:
	// served: <nil>
	// left: <nil>
}

// A router tells who owns a key, and brings work there even while owners change.
func ExampleRouter_Do() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	pool := cluster.Pool("orders")
	_, err := pool.Create(ctx, client.PoolSettings{Partitions: 256})
	must(err)
	worker, err := pool.Join(ctx, client.WorkerConfig{ID: "orders-0", Address: "10.0.0.1:80"}, nil)
	must(err)
	for len(worker.Owned()) < 256 {
		time.Sleep(time.Millisecond)
	}

	router, err := pool.Router(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer router.Close()
	err = router.Do(ctx, "order-77", func(ctx context.Context, to client.Route) error {
		fmt.Println("owner:", to.Owner.ID, "at", to.Owner.Address)
		return worker.DoFor(ctx, to.Incarnation, "order-77", serve) // a program sends it to to.Owner.Address
	})
	fmt.Println("sent:", err)
	must(worker.Close(ctx))
	// Output:
	// owner: orders-0 at 10.0.0.1:80
	// sent: <nil>
}

// serve stands for a worker's request handler.
func serve(ctx context.Context, _ uint64) error { return context.Cause(ctx) }
