// Package endpoint talks to the Redis doors of a cluster: it dials the first endpoint that answers, says who it is, and exchanges one command at a
// time. It is for the command line; programs use package client, which has sessions and retries.
package endpoint
