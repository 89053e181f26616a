package pools

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// write is a write to the store. The store takes it if it has seen no larger token for the partition.
type write struct {
	Partition uint32
	Worker    uint32 // its number
	Token     uint64
	How       uint32
	Accepted  uint32 // in the store's log and its answers: 1 if it was taken
	At        int64  // in the store's log
}

// How a write came about.
const (
	howOwn    uint32 = iota // by the worker, for a partition that it serves
	howRouted               // for a request that a router sent
	howLate                 // long after it was decided, whatever has happened meanwhile
)

// serveStore is the store's process: it listens on loopback, tells where, and writes what it took and refused to a file, in its order, until standard input ends.
func serveStore(order order, report *reporter) error {
	file, err := os.Create(order.File)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &fencedStore{log: bufio.NewWriterSize(file, 1<<16), marks: map[uint32]uint64{}}
	go s.accept(listener)
	report.tell(Event{Kind: KindReady, Text: listener.Addr().String()})
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = listener.Close()
	s.mu.Lock() // for ever: what comes now is not answered
	return errors.Join(s.failure, s.log.Flush(), file.Close())
}

type fencedStore struct {
	mu      sync.Mutex
	log     *bufio.Writer
	marks   map[uint32]uint64 // the largest token seen, by partition
	failure error
}

func (s *fencedStore) accept(listener net.Listener) {
	for {
		socket, err := listener.Accept()
		if err != nil {
			return
		}
		go s.serve(socket)
	}
}

func (s *fencedStore) serve(socket net.Conn) {
	defer socket.Close()
	for {
		var w write
		if binary.Read(socket, binary.BigEndian, &w) != nil {
			return
		}
		s.decide(&w)
		if binary.Write(socket, binary.BigEndian, w) != nil {
			return
		}
	}
}

func (s *fencedStore) decide(w *write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Accepted, w.At = 0, history.Now()
	if w.Token >= s.marks[w.Partition] {
		s.marks[w.Partition], w.Accepted = w.Token, 1
	}
	s.failure = errors.Join(s.failure, binary.Write(s.log, binary.BigEndian, *w))
}

// readStoreLog reads what a store wrote down.
func readStoreLog(path string) ([]write, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	from := bufio.NewReaderSize(file, 1<<16)
	var writes []write
	for {
		var w write
		switch err := binary.Read(from, binary.BigEndian, &w); {
		case errors.Is(err, io.EOF):
			return writes, nil
		case err != nil:
			return nil, fmt.Errorf("record %d of the store's log: %w", len(writes)+1, err)
		}
		writes = append(writes, w)
	}
}

// storeClient is a worker's way to the store.
type storeClient struct {
	address string
	mu      sync.Mutex
	socket  net.Conn
}

const storePatience = 10 * time.Second

// write asks the store to take a write. After an error nobody knows whether it did.
func (c *storeClient) write(w write) (accepted bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket == nil {
		if c.socket, err = net.DialTimeout("tcp", c.address, storePatience); err != nil {
			return false, err
		}
	}
	err = c.socket.SetDeadline(time.Now().Add(storePatience))
	if err == nil {
		err = binary.Write(c.socket, binary.BigEndian, w)
	}
	if err == nil {
		err = binary.Read(c.socket, binary.BigEndian, &w)
	}
	if err != nil {
		_ = c.socket.Close()
		c.socket = nil
	}
	return w.Accepted == 1, err
}
