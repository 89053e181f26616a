package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The range lies below those from which Linux, macOS and Windows give ports to outgoing connections.
const (
	lowest  = 20000
	highest = 31999
	// attempts bounds the search; a machine on which so many ports in a row are taken has another problem.
	attempts = 1000
)

var (
	mu    sync.Mutex
	given = map[int]bool{}
)

// Address is a host:port on 127.0.0.1 on which nothing listens, TCP and UDP alike, and which this process was not given before. It is not bound when this returns. May be
// called from any goroutine.
func Address() (string, error) {
	mu.Lock()
	defer mu.Unlock()
	for range attempts {
		port := lowest + rand.IntN(highest-lowest+1)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if given[port] || !free(address) {
			continue
		}
		given[port] = true
		return address, nil
	}
	return "", fmt.Errorf("found no free port between %d and %d on 127.0.0.1 in %d attempts", lowest, highest, attempts)
}

// free reports whether an address can be bound now.
func free(address string) bool {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	_ = listener.Close() // it was bound a moment ago, so closing cannot fail in a way that matters
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	_ = packets.Close()
	return true
}
