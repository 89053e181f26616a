package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coordd/coordd/client"
)

// Work runs under a lock, with a context that ends with the lock and the token for what the lock protects.
func ExampleSession_Do() {
	cluster, stop := exampleClient()
	defer stop()
	session := exampleSession(cluster, "reporter")
	ctx := context.Background()

	err := session.Do(ctx, "nightly-report", func(ctx context.Context, token uint64) error {
		return writeReport(ctx, token)
	}, client.MaxHold(time.Hour), client.Metadata("started by hand"))
	fmt.Println(err)
	// Output: <nil>
}

// A reentrant handle may be locked again by who holds it; each Lock wants its Release.
func ExampleMutex() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	migrations := exampleSession(cluster, "migrator").Mutex("migrations", client.Reentrant())

	outer, err := migrations.Lock(ctx)
	must(err)
	inner, err := migrations.Lock(ctx) // deeper in the same line of work
	must(err)
	fmt.Println("same hold:", inner.Token() == outer.Token())
	must(inner.Release(ctx))
	fmt.Println("after one release:", outer.State())
	must(outer.Release(ctx))
	// Output:
	// same hold: true
	// after one release: held
}

// Readers share a lock and its token; a writer has it alone, with a larger one.
func ExampleRWLock() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	catalogue := exampleSession(cluster, "shop").RWLock("catalogue")

	one, err := catalogue.RLock(ctx)
	must(err)
	two, err := catalogue.RLock(ctx)
	must(err)
	fmt.Println("readers share the token:", one.Token() == two.Token())
	_, err = catalogue.TryLock(ctx)
	var held *client.HeldError
	fmt.Println("no writer beside them:", errors.As(err, &held), held.Mode)
	must(one.Release(ctx))
	must(two.Release(ctx))
	writer, err := catalogue.Lock(ctx)
	must(err)
	fmt.Println("the writer's is larger:", writer.Token() > two.Token())
	// Output:
	// readers share the token: true
	// no writer beside them: true shared
	// the writer's is larger: true
}

// At most three uploads run at a time, in the whole fleet.
func ExampleSemaphore() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	uploads := exampleSession(cluster, "uploader").Semaphore("uploads", 3)

	two, err := uploads.Acquire(ctx, 2)
	must(err)
	_, err = uploads.TryAcquire(ctx, 2)
	var held *client.HeldError
	if errors.As(err, &held) {
		fmt.Printf("%d of %d permits are in use\n", held.Used, held.Limit)
	}
	must(two.Release(ctx))
	_, err = uploads.TryAcquire(ctx, 2)
	fmt.Println(err)
	// Output:
	// 2 of 3 permits are in use
	// <nil>
}

// Money moves between two accounts: both are locked, or neither, and two transfers that cross cannot block each other.
func ExampleMultiLock() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	teller := exampleSession(cluster, "teller")

	held, err := teller.MultiLock([]string{"account:ann", "account:bob"}).Lock(ctx)
	must(err)
	fmt.Println("one token for", held.Names())
	_, err = teller.TryLock(ctx, "account:bob")
	fmt.Println("bob's account is held:", err != nil)
	must(held.Release(ctx))
	// Output:
	// one token for [account:ann account:bob]
	// bob's account is held: true
}

// Two nodes want to lead. The second is next in line, and gets the leadership when the first hands it over.
func ExampleElection() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	region := cluster.Election("region-eu")
	first, second := exampleSession(cluster, "node-1"), exampleSession(cluster, "node-2")

	leader, err := region.Leader(ctx)
	must(err)
	fmt.Println("nobody leads:", leader.Vacant())

	leadership, err := region.Campaign(ctx, first, "10.0.0.1:80", client.Owner("node-1"))
	must(err)
	next := make(chan *client.Leadership)
	go func() {
		leadership, err := region.Campaign(ctx, second, "10.0.0.2:80", client.Owner("node-2"))
		must(err)
		next <- leadership
	}()
	for candidates := 0; candidates == 0; {
		leader, err = region.Leader(ctx)
		must(err)
		candidates = leader.Candidates
	}
	fmt.Println(leader.Candidate, "leads at", leader.Value)

	must(leadership.Transfer(ctx, "node-2"))
	leadership = <-next
	leader, err = region.Leader(ctx)
	must(err)
	fmt.Println(leader.Candidate, "leads at", leader.Value)
	must(leadership.Resign(ctx))
	// Output:
	// nobody leads: true
	// node-1 leads at 10.0.0.1:80
	// node-2 leads at 10.0.0.2:80
}

// Whoever routes requests follows the leader, and hears it when there is none.
func ExampleElection_Observe() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	region := cluster.Election("region-eu")
	node := exampleSession(cluster, "node-1")

	leads := make(chan *client.Leadership, 1)
	for leader, err := range region.Observe(ctx) {
		must(err)
		switch {
		case !leader.Vacant():
			fmt.Println(leader.Candidate, "leads at", leader.Value)
			must((<-leads).Resign(ctx))
			leads = nil
		case leads != nil:
			fmt.Println("no leader yet")
			go func() {
				leadership, err := region.Campaign(ctx, node, "10.0.0.1:80", client.Owner("node-1"))
				must(err)
				leads <- leadership
			}()
		default:
			fmt.Println("no leader any more")
			return
		}
	}
	// Output:
	// no leader yet
	// node-1 leads at 10.0.0.1:80
	// no leader any more
}

// A resource that cannot keep the greatest token asks whether a hold is current.
func ExampleClient_Check() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	session := exampleSession(cluster, "worker")

	old, err := session.Lock(ctx, "job")
	must(err)
	must(old.Release(ctx))
	current, err := session.Lock(ctx, "job")
	must(err)
	checked, err := cluster.Check(ctx, client.Hold{Name: "job", Token: old.Token()}, client.Hold{Name: "job", Token: current.Token()})
	must(err)
	fmt.Println(checked[0].Valid, checked[0].State)
	fmt.Println(checked[1].Valid, checked[1].State)
	// Output:
	// false stale
	// true current
}

// An operator takes a lock away. The holder is told why, and the next one gets the lock when the holder's work has stopped.
func ExampleClient_ForceUnlock() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	stuck := exampleSession(cluster, "stuck")

	held, err := stuck.Lock(ctx, "job")
	must(err)
	forced, err := cluster.ForceUnlock(ctx, "job", client.Force{Reason: "stuck since Tuesday"})
	must(err)
	fmt.Println("holds ended:", forced.Ended)
	<-held.Context().Done()
	var lost *client.LostError
	fmt.Println(errors.As(context.Cause(held.Context()), &lost), lost.Reason, lost.Why)
	must(held.Release(ctx)) // the work has stopped

	past, err := cluster.History(ctx, "job", 1)
	must(err)
	fmt.Println("history:", past[0].Reason, past[0].Why)
	// Output:
	// holds ended: 1
	// true forced stuck since Tuesday
	// history: forced stuck since Tuesday
}

// What happens to a lock is told in order, and from a position on.
func ExampleClient_Watch() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	before, err := cluster.LocksPage(ctx, client.ListOptions{})
	must(err)

	session := exampleSession(cluster, "worker")
	held, err := session.Lock(ctx, "job")
	must(err)
	must(held.Release(ctx))

	for event, err := range cluster.Watch(ctx, client.WatchOptions{From: before.Position, Names: []string{"job"}}) {
		must(err)
		fmt.Println(event.Name, event.Type)
		if event.Type == "vacant" {
			break
		}
	}
	// Output:
	// job began
	// job ended
	// job vacant
}
