package clustertest

import (
	"testing"

	"github.com/coordd/coordd/internal/freeport"
)

// freeAddress finds a port on loopback that a node can bind, now and after a restart.
func freeAddress(t testing.TB) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
