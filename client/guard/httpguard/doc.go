// Package httpguard refuses stale tokens at an HTTP server: as a middleware before a handler, or as a reverse proxy before a server that knows nothing of tokens.
//
// A client says under which lock and token it writes:
//
//	Fencing-Lock: nightly-report
//	Fencing-Token: 34
//
// and gets 412 with a problem body when a newer token of this lock was seen. [SetHeaders] sets both.
//
//	marks, err := httpguard.OpenFile("marks")
//	guarded, err := httpguard.New(marks, httpguard.Options{Lock: httpguard.Fixed("nightly-report")})
//	http.ListenAndServe(address, guarded.Wrap(handler))
//
// # What is promised
//
// Comparing tokens when a request arrives is not enough: the request of an older holder may be at work yet when that of a newer one is let in, and write after it. Therefore
// [Marks] let in requests of one token at a time for each lock. A request with a newer token shuts out older ones at once, and waits until those that were let in have been answered.
// So the work that handlers do is ordered by token, if it is over when the handler returns.
//
// A proxy sees only its upstream's answers. When one does not come - the upstream died, or took longer than [ProxyOptions.Timeout] - the upstream may still be at work after
// the proxy has gone on, and nothing at the proxy can order that. Where this matters, wrap the handler itself, or have the upstream keep the mark in its database.
//
// # Where marks are kept
//
// In a file ([OpenFile]) if one process guards the resource, in a database ([SQL]) if several do. In memory ([NewMemory]) they are forgotten with the process: after a restart a
// stale token is let in until its successor is seen. That is for tests, and for handlers whose state goes with the process too.
package httpguard
