// Package localcluster starts coordd nodes as processes on loopback, for commands that measure what an operator or a worker sees. Gossip is encrypted.
package localcluster
