// Package cluster starts the servers that a comparison talks to: three coordd
// nodes behind a plain TCP load balancer, or redis-server as the oracle and
// the control. Everything listens on loopback, on ports that were found free.
package cluster
