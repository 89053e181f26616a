// Package rest is the lock service as JSON over HTTP, under /v1: sessions, locks, semaphores, sets of locks, elections, checks, lists, and events as a stream.
//
// It translates, and decides nothing. A request becomes one native command ([docs/protocol]), which goes over a connection within the process to the Redis door
// of the same node ([Config.Dial]); the answer becomes JSON. So every check, limit, permission and error is that of the native protocol, and the two ways in
// cannot differ.
//
// One table, in the files routes_*.go, says for each route its path, its native command, where each argument comes from, and the shape of its answer. The mux,
// the reading of requests, the OpenAPI document (openapi.go) and the list of routes in the documentation come from it.
//
//	rest.go      a request from its first byte to its last
//	route.go     the table's types; finding the route of a request
//	arguments.go a request's path, query, body and headers into the words of a command
//	shape.go     the shapes of answers; render.go: a native answer into JSON
//	native.go    connections to the Redis door, and what a broken one means
//	problem.go   errors as application/problem+json, by the one error table
//	stream.go    events as server-sent events
//
// DESIGN.md says what was decided, and what was not.
//
// [docs/protocol]: https://github.com/coordd/coordd/tree/main/docs/protocol
package rest
