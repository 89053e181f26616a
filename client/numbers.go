package client

import (
	"strconv"
	"sync"
)

// numbers gives the requests of a session their numbers, under which the cluster runs each at most once and answers a retry from memory. The low-water mark
// follows behind: the cluster may forget every answer up to it, because none of those requests will be sent again.
type numbers struct {
	mu     sync.Mutex
	last   uint64
	open   []uint64        // the numbers at and above the oldest that is under way, in order
	closed map[uint64]bool // those among them that are done with
}

// numbered is one numbered request, under way until it is done.
type numbered struct {
	of     *numbers
	number uint64
	low    uint64 // the mark when it was numbered; a retry repeats it
}

// begin numbers a request.
func (n *numbers) begin() *numbered {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	n.open = append(n.open, n.last)
	return &numbered{of: n, number: n.last, low: n.open[0] - 1}
}

// done says that the request will not be sent again. It may be called more than once.
func (r *numbered) done() {
	n := r.of
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.open) == 0 || r.number < n.open[0] {
		return
	}
	if n.closed == nil {
		n.closed = map[uint64]bool{}
	}
	n.closed[r.number] = true
	for len(n.open) > 0 && n.closed[n.open[0]] {
		delete(n.closed, n.open[0])
		n.open = n.open[1:]
	}
}

// options are the words that go with the request.
func (r *numbered) options() []string {
	options := []string{"REQUEST", strconv.FormatUint(r.number, 10)}
	if r.low > 0 {
		options = append(options, "LOW", strconv.FormatUint(r.low, 10))
	}
	return options
}
