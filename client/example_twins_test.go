package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coordd/coordd/client"
)

// What etcd teaches: grant a lease, keep it alive, and put a key under it in a transaction that succeeds only if the key does not exist; later write only if the key's
// create revision is still one's own. Here the session is the lease, a try is the transaction, and the token is the revision: it orders holders without a second look.
func Example_etcdLeaseAndTransaction() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()

	lease, err := cluster.OpenSession(ctx, client.SessionOptions{TTL: 10 * time.Second}) // Grant and KeepAlive
	must(err)
	held, err := lease.TryLock(ctx, "leader/scheduler", client.Metadata("host-1")) // Txn(If create revision = 0, Then put with lease, Else get)
	must(err)

	other := exampleSession(cluster, "host-2")
	_, err = other.TryLock(ctx, "leader/scheduler")
	var taken *client.HeldError
	if errors.As(err, &taken) {
		fmt.Println("else:", taken.Metadata, "has it") // the Else branch's get
	}

	fmt.Println("if own revision:", held.Check(ctx)) // Txn(If create revision = mine)
	must(lease.Close(ctx))                           // Revoke
	fmt.Println("revoked:", held.Check(ctx) != nil)
	// Output:
	// else: host-1 has it
	// if own revision: <nil>
	// revoked: true
}

// What ZooKeeper teaches: create an ephemeral sequential node, list the siblings, and watch the one before. Here the queue is the cluster's own: Lock takes the next number, a session that
// dies leaves the queue, and nobody watches anybody.
func Example_zookeeperEphemeralSequentialQueue() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()

	first, err := exampleSession(cluster, "a").Lock(ctx, "queue")
	must(err)
	served := make(chan string)
	join := func(name string) *client.Session {
		session := exampleSession(cluster, name)
		before, err := cluster.Info(ctx, "queue")
		must(err)
		go func() {
			held, err := session.Lock(ctx, "queue")
			if err != nil {
				return // its session was closed
			}
			served <- name
			must(held.Release(ctx))
		}()
		for queued := before.Queued; queued == before.Queued; {
			info, err := cluster.Info(ctx, "queue")
			must(err)
			queued = info.Queued
		}
		return session
	}
	join("b")
	gone := join("c")
	join("d")

	info, err := cluster.Info(ctx, "queue") // getChildren
	must(err)
	for _, waiter := range info.Waiters {
		fmt.Println(waiter.Place, waiter.Client)
	}
	must(gone.Close(ctx)) // its ephemeral node goes
	must(first.Release(ctx))
	fmt.Println(<-served, <-served)
	// Output:
	// 1 b
	// 2 c
	// 3 d
	// b d
}

// What PostgreSQL teaches: pg_advisory_lock waits, pg_try_advisory_lock does not, both count per database session, and pg_advisory_unlock undoes one. Here a reentrant handle is the
// database session; pg_advisory_xact_lock, which ends with its transaction, is Session.Do.
func Example_postgresAdvisoryLocks() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()
	ann := exampleSession(cluster, "ann").Mutex("42", client.Reentrant())
	bob := exampleSession(cluster, "bob").Mutex("42", client.Reentrant())

	try := func(lock *client.Mutex) (*client.Held, bool) { // pg_try_advisory_lock
		held, err := lock.TryLock(ctx)
		var other *client.HeldError
		if err != nil && !errors.As(err, &other) {
			must(err)
		}
		return held, err == nil
	}
	once, err := ann.Lock(ctx) // pg_advisory_lock
	must(err)
	twice, ok := try(ann)
	fmt.Println("ann again:", ok)
	_, ok = try(bob)
	fmt.Println("bob:", ok)
	must(twice.Release(ctx)) // pg_advisory_unlock
	_, ok = try(bob)
	fmt.Println("bob after one unlock:", ok)
	must(once.Release(ctx))
	_, ok = try(bob)
	fmt.Println("bob after both:", ok)
	// Output:
	// ann again: true
	// bob: false
	// bob after one unlock: false
	// bob after both: true
}

// What the lock clients for DynamoDB teach: write an item with an owner, data and a lease duration if there is none, renew it with heartbeats, and let others take it when its record version
// has not changed for the lease's time. Here the cluster judges the time, so nobody has to watch for a whole lease, and the token orders owners, which a record version cannot.
func Example_dynamoDBLockItem() {
	cluster, stop := exampleClient()
	defer stop()
	ctx := context.Background()

	item, err := cluster.TryLease(ctx, "moderator", 20*time.Second, client.Metadata(`{"host":"a"}`)) // PutItem, if not exists
	must(err)
	_, err = cluster.TryLease(ctx, "moderator", 20*time.Second)
	var taken *client.HeldError
	fmt.Println("taken:", errors.As(err, &taken) && taken.Token == item.Token(), taken.Metadata)

	must(item.Renew(ctx, 0)) // a heartbeat
	fmt.Println("safe for more than 15 s:", item.Remaining() > 15*time.Second)
	must(item.Release(ctx))

	next, err := cluster.TryLease(ctx, "moderator", 20*time.Second)
	must(err)
	fmt.Println("the next token is larger:", next.Token() > item.Token())
	// Output:
	// taken: true {"host":"a"}
	// safe for more than 15 s: true
	// the next token is larger: true
}
