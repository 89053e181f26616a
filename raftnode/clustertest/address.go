package clustertest

import (
	"net"
	"testing"
)

// freeAddress finds a free port on loopback. It is free again when this returns, so that the node can bind it, now and after a restart.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
