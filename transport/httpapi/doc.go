// Package httpapi is the HTTP door: health, readiness, metrics and status of one node, and the lock service as JSON.
//
// What is said of the node is read-only and cheap, so that a load balancer, a scraper and a person with curl can ask as often as they like. Those routes stand
// in one table ([Routes]); the handlers, the answer to an unknown path and the tests read it. Locks are served under /v1 by package rest, when there is a way
// to the Redis door of the node ([Config.Dial]).
//
//	GET /livez    200 while the process serves, whatever the cluster does: restart a node only when this fails
//	GET /readyz   200 when this node can serve requests, 503 with the reason as text otherwise: send traffic only while this is 200
//	GET /metrics  Prometheus metrics, named coordd_*, with those of the Go runtime and the process
//	GET /status   how this node sees itself and the cluster, as JSON (transport.Status)
//	GET /version  what was built, as JSON
//
// The probes are open to everybody who reaches the port. The other routes ask for credentials once [Config.Authorize] is set.
// A server has limits on the size and age of requests and on the number of connections; see the constants in server.go.
package httpapi
