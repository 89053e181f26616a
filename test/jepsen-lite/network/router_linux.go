package network

import (
	"math/rand/v2"
	"os"
	"sync"
)

// hubAddress is where the harness itself is reached from all namespaces. The addresses are those that RFC 2544 keeps for tests of networks; they exist only in the namespaces.
const hubAddress = "198.18.0.1"

// mostMembers is how many namespaces have an address.
const mostMembers = 200

// namespaces is the network whose nodes and client places live in network namespaces of their own.
type namespaces struct {
	mu        sync.Mutex
	faults    map[link]Fault
	members   map[string]*member
	addresses map[string]string // by name
	names     map[string]string // by address
	passages  map[link]*passage
	random    *rand.Rand
	failure   error

	duplicated, delayed, reordered, overflowed int64

	home    *os.File // the namespace of this process, which is the router
	lane    *os.File
	serving sync.WaitGroup
}

// member is one namespace.
type member struct {
	address string
	space   *os.File // keeps the namespace while nothing runs in it
}

// fail notes the first failure.
func (s *namespaces) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failLocked(err)
}

func (s *namespaces) failLocked(err error) {
	if s.failure == nil {
		s.failure = err
	}
}

// Err implements Network.
func (s *namespaces) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// Introduce implements Network: nobody is kept out here.
func (s *namespaces) Introduce(string, string) {}

// Host implements Network.
func (s *namespaces) Host() string { return hubAddress }

// Down implements Network: the kernel refuses dials to a process that is dead by itself.
func (s *namespaces) Down(string) {}

// Up implements Network.
func (s *namespaces) Up(string) error { return nil }
