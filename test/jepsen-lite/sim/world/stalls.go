package world

import (
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-metrics"
)

// stalls lets a goroutine stand still where Raft counts something, as one does that the system does not let run. Raft counts each entry that it is handed before it takes it, and
// each time it begins to lead or to follow before it does anything in that role: so an entry is handed over long after it was stamped, and a main loop finds the world changed. With
// true time such moments are a few microseconds wide; here they can last.
type stalls struct {
	metrics.BlackholeSink

	mu    sync.Mutex
	armed map[string][]time.Duration // by what is counted: for how long the next ones stand still
}

// Where goroutines can be made to stand still.
const (
	atHandOver = "raft.apply"        // an entry was stamped, and Raft does not have it yet
	atReign    = "raft.state.leader" // an election was won, and nothing was done about it yet
)

// IncrCounterWithLabels implements metrics.MetricSink.
func (s *stalls) IncrCounterWithLabels(key []string, _ float32, _ []metrics.Label) {
	time.Sleep(s.next(strings.Join(key, ".")))
}

// next takes the next stall of a place.
func (s *stalls) next(place string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.armed[place]
	if len(list) == 0 {
		return 0
	}
	s.armed[place] = list[1:]
	return list[0]
}

// arm lets whoever comes to a place next stand still there.
func (s *stalls) arm(place string, lasting time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed[place] = append(s.armed[place], lasting)
}

// disarm lets everybody run again who is not standing still already.
func (s *stalls) disarm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.armed)
}

// install lets Raft count here. Plays of one process come one after the other, so the sink may be the process's.
func (s *stalls) install() error {
	config := metrics.DefaultConfig("")
	config.EnableHostname, config.EnableRuntimeMetrics = false, false
	_, err := metrics.NewGlobal(config, s)
	return err
}
