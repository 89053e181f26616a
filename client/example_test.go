package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coordd/coordd/client"
)

// A lock is taken, its token goes along with the work, and the work ends when the lock is lost.
func ExampleSession_Lock() {
	endpoint, stop := startExampleNode()
	defer stop()
	ctx := context.Background()

	cluster, err := client.Dial(ctx, client.Options{Endpoints: []string{endpoint}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	session, err := cluster.OpenSession(ctx, client.SessionOptions{TTL: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close(ctx)

	held, err := session.Lock(ctx, "nightly-report")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = writeReport(held.Context(), held.Token())
	fmt.Println("report:", err)
	fmt.Println("release:", held.Release(ctx))
	// Output:
	// report: <nil>
	// release: <nil>
}

// writeReport stands for work under a lock: it ends with the lock, and it sends the token to where it writes.
func writeReport(ctx context.Context, token uint64) error {
	if token == 0 {
		return errors.New("no token")
	}
	return context.Cause(ctx)
}

// Who finds a lock taken learns who holds it. Who takes it next gets a larger token.
func ExampleSession_TryLock() {
	endpoint, stop := startExampleNode()
	defer stop()
	ctx := context.Background()
	cluster, err := client.Dial(ctx, client.Options{Endpoints: []string{endpoint}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	ann, err := cluster.OpenSession(ctx, client.SessionOptions{Name: "ann"})
	if err != nil {
		fmt.Println(err)
		return
	}
	bob, err := cluster.OpenSession(ctx, client.SessionOptions{Name: "bob"})
	if err != nil {
		fmt.Println(err)
		return
	}

	first, err := ann.TryLock(ctx, "db-migration")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = bob.TryLock(ctx, "db-migration")
	var held *client.HeldError
	if errors.As(err, &held) {
		fmt.Println("bob is told the holder's token:", held.Token == first.Token())
	}
	// When ann's session ends, everything it holds is free.
	if err := ann.Close(ctx); err != nil {
		fmt.Println(err)
	}
	second, err := bob.TryLock(ctx, "db-migration")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("bob's token is larger:", second.Token() > first.Token())
	fmt.Println("ann's context ended:", context.Cause(first.Context()) == client.ErrClosed)
	// Output:
	// bob is told the holder's token: true
	// bob's token is larger: true
	// ann's context ended: true
}

// Any command can be sent as it is; the answers are those of a Redis server.
func ExampleClient_Do() {
	endpoint, stop := startExampleNode()
	defer stop()
	ctx := context.Background()
	cluster, err := client.Dial(ctx, client.Options{Endpoints: []string{endpoint}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()

	taken, err := cluster.Do(ctx, "SET", "job", "me", "NX", "PX", "30000")
	fmt.Println(string(taken.Text), err)
	token, err := cluster.Do(ctx, "FENCE", "job", "me")
	fmt.Println(token.Integer > 0, err)
	again, err := cluster.Do(ctx, "SET", "job", "you", "NX", "PX", "30000")
	fmt.Println(again.Type, err)
	// Output:
	// OK <nil>
	// true <nil>
	// nil <nil>
}
