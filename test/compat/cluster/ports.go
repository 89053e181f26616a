package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken below the range from which systems give ports to outgoing
// connections: a node that is killed must find its port free when it returns.
const (
	lowestPort  = 20000
	highestPort = 32000
)

var (
	portsMu sync.Mutex
	given   = map[int]bool{}
)

// FreeAddress returns a loopback address on which nothing listens, for TCP and
// UDP alike, and which this process has not handed out before.
func FreeAddress() (string, error) {
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if given[port] || !free(address) {
			continue
		}
		given[port] = true
		return address, nil
	}
	return "", fmt.Errorf("found no free port between %d and %d on 127.0.0.1", lowestPort, highestPort)
}

func free(address string) bool {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	listener.Close()
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	packets.Close()
	return true
}

func freeAddresses(count int) ([]string, error) {
	addresses := make([]string, count)
	for i := range addresses {
		address, err := FreeAddress()
		if err != nil {
			return nil, err
		}
		addresses[i] = address
	}
	return addresses, nil
}
