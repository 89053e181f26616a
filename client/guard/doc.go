// Package guard refuses stale fencing tokens where it matters: at the resource that a lock protects.
//
// No lock service can keep a process from believing that it holds a lock which has long gone to another: it may have been stopped at any
// instruction, and what it sent may still be under way in the network. What makes that harmless is the resource. It remembers, for each lock, the newest token that it has
// seen, and refuses an older one. The packages below do that, each for one kind of resource, and none of them brings a driver along:
//
//   - sqlguard: PostgreSQL, MySQL, MariaDB and SQLite, through database/sql
//   - httpguard: a middleware and a reverse proxy that check the header Fencing-Token
//   - dynamoguard: condition expressions for DynamoDB
//   - s3guard: conditional writes for S3 and stores like it
//
// What they have in common is here. A [Fence] is the name of a lock and the token under which it is held; [Of] makes one of a lock that the Go client holds,
// [New] and [Parse] of what another process was told. A [StaleError] is the refusal: whoever gets it has lost the lock, should stop, and should not try again.
//
// # Two rules
//
// "Not older than seen": a token passes if no newer one was seen, and is then the newest seen. It needs nobody's help, and
// orders the writes of all holders by their tokens. A holder that lost its lock is refused from the moment its successor first came to the resource.
//
// "Equals current": a token passes only if it is the current one. Where the resource has a mark, the holder sets it once when it was granted the lock (it enters), and
// from then on exactly its token passes. Where the cluster is asked ([Cluster]), the predecessor is refused from the moment of the grant. Asking alone protects nothing, since the
// holder may be stopped between the answer and the write. So each guard asks in addition to its mark.
//
// # Exclusive locks only
//
// A newest token seen means something only if holders follow each other. The permits of a semaphore are held at the same time: after permit 9 has written, a guard
// that remembers 9 would refuse permit 5, which is held rightfully. Therefore no guard takes a [Permit], and a Permit cannot be made into a Fence: all it offers is
// [Permit.Check], which asks whether it is held. Readers that share a lock carry one token and may be guarded.
package guard
