// Package client takes locks from a coordd cluster.
//
// A [Client] is one per process. It speaks RESP over one connection that all goroutines and all locks share, waits included, goes on to the next endpoint when that one
// breaks, and retries what is safe to retry, for a bounded number of attempts.
//
// A [Session] is what holds locks; one is enough for a process. It is opened with a TTL and kept alive in the background; when it ends, everything it holds is free. A [Held] is
// one lock that is held. It is above all two things: a [Held.Token], which is to be sent along to whatever the lock protects, and a [Held.Context],
// which ends before the cluster can give the lock to anybody else.
//
//	cluster, err := client.Dial(ctx, client.Options{Endpoints: []string{"127.0.0.1:7379"}})
//	session, err := cluster.OpenSession(ctx, client.SessionOptions{TTL: 10 * time.Second})
//	err = session.Do(ctx, "nightly-report", func(ctx context.Context, token uint64) error {
//		return writeReport(ctx, token)
//	})
//
// # What there is
//
//   - [Session.Do] runs a function under a lock; [Session.Lock] and [Session.TryLock] take one.
//   - [Session.Mutex], [Session.RWLock], [Session.Semaphore] and [Session.MultiLock] are handles for locks that are taken again and again, with [LockOption]s: metadata, a longest hold, a
//     reservation after the end, reentrancy, an owner.
//   - [Client.Election] is a lock whose holder leads and says something of itself: campaign, proclaim, observe, transfer, resign.
//   - [Client.TryLease] and [Client.Lease] are locks with a TTL of their own, without a session.
//   - [Client.Pool] shares keys out among workers: [Pool.Join] makes this process one, [Pool.Router] finds the owner of a key. Package client/poolhttp carries requests there over HTTP.
//   - [Client.Info], [Client.Locks], [Client.History], [Client.Sessions], [Client.Check] and [Client.Watch] look; [Client.ForceUnlock] and [Client.KillSession] are for operators.
//
// Package client/clienttest gives a test of a program that uses this one a cluster in its own process.
//
// # What a lock promises
//
// The context ends in time as long as the process runs and its clock's rate is within [Options.RateTolerance] of the leader's. A process that is stopped,
// by SIGSTOP, a debugger or a suspended machine, is told when it wakes: until then it may believe that it holds a lock that another has. The
// token makes that harmless where the resource refuses a token smaller than one that it has seen. The same goes for a lock that an operator takes away at once, without waiting
// for its holder.
//
// # How the deadline is computed
//
// Each acknowledged keepalive names two instants of the cluster's clock: n, at which it was committed, and d, at which the session would end. It was
// sent at s on this machine's clock, so it was committed no earlier, and the cluster's clock cannot reach d before s + (d-n)/(1+ρ). The session counts
// as lost from s + (d-n)·(1-ρ)/(1+ρ) - margin on, which also allows for this machine's own clock. The clock counts the time in which
// the machine was suspended, where the system has such a clock.
//
// # Errors
//
// An acquire that is refused says why: [*HeldError], [*DeadlockError], [*ConflictError], or context.DeadlineExceeded when its wait is over. A lock or session that was lost is a
// [*LostError], which is [ErrLost]. No answer at all is an [*UnreachableError], which is [ErrNoLeader] when nodes answered that there is none. Whatever else the cluster refused is
// a [*ServerError]. [Definite] tells whether what was asked for has certainly not happened.
//
// Whatever is given up on the way, by a context or by a connection, holds nothing in the end: the client cancels it, and repeats that until the cluster has answered or the session
// has ended.
package client
