// Package poolhttp carries requests over HTTP to the worker that owns their key.
//
// On the worker's side [Guard] lets a handler see only what the worker serves, and refuses the rest with 421 Misdirected Request and who owns it. On the other side [Transport] sends a request to
// the owner, and on that answer looks again:
//
//	http.ListenAndServe(address, poolhttp.Guard(worker, byUser, handler))
//
//	proxy := &httputil.ReverseProxy{Rewrite: rewrite, Transport: &poolhttp.Transport{Router: router, Key: byUser}}
//
// A request carries the key and the incarnation of the pool, never only a partition: the worker finds the partition by its own table.
package poolhttp
