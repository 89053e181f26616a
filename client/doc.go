// Package client takes locks from a coordd cluster.
//
// A [Client] is one per process. It speaks RESP over one connection that all goroutines share, goes on to the next endpoint when that one
// breaks, and retries what is safe to retry, for a bounded number of attempts. Acquires that wait use connections of their own, so that a wait never
// holds back a keepalive.
//
// A [Session] is what holds locks. It is opened with a TTL and kept alive in the background; when it ends, everything it holds is free. A [Held] is
// one lock that is held. It is above all two things: a [Held.Token], which is to be sent along to whatever the lock protects, and a [Held.Context],
// which ends before the cluster can give the lock to anybody else.
//
//	cluster, err := client.Dial(ctx, client.Options{Endpoints: []string{"127.0.0.1:7379"}})
//	session, err := cluster.OpenSession(ctx, client.SessionOptions{TTL: 10 * time.Second})
//	held, err := session.Lock(ctx, "nightly-report")
//	err = writeReport(held.Context(), held.Token())
//	err = held.Release(ctx)
//
// # What a lock promises
//
// The context ends in time as long as the process runs and its clock's rate is within [Options.RateTolerance] of the leader's. A process that is stopped,
// by SIGSTOP, a debugger or a suspended machine, is told when it wakes: until then it may believe that it holds a lock that another has. The
// token makes that harmless where the resource refuses a token smaller than one that it has seen.
//
// # How the deadline is computed
//
// Each acknowledged keepalive names two instants of the cluster's clock: n, at which it was committed, and d, at which the session would end. It was
// sent at s on this machine's clock, so it was committed no earlier, and the cluster's clock cannot reach d before s + (d-n)/(1+ρ). The session counts
// as lost from s + (d-n)·(1-ρ)/(1+ρ) - margin on, which also allows for this machine's own clock. The clock counts the time in which
// the machine was suspended, where the system has such a clock.
package client
