package main

import (
	"encoding/json"
	"net/http"
	"sync"
)

// store keeps counters by partition. It stands for a database that is shared by all workers: what makes it safe is that it compares tokens.
type store struct {
	mu       sync.Mutex
	marks    map[int]uint64         // the largest token seen, by partition
	counters map[int]map[string]int // by partition and key
	refused  int
}

// saved is what a worker sends: with a key it sets a counter, without one it claims the partition and is answered its counters.
type saved struct {
	Partition int    `json:"partition"`
	Token     uint64 `json:"token"`
	Key       string `json:"key"`
	Value     int    `json:"value"`
}

func newStore() *store { return &store{marks: map[int]uint64{}, counters: map[int]map[string]int{}} }

// ServeHTTP implements http.Handler.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request saved
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if request.Token < s.marks[request.Partition] {
		s.refused++
		http.Error(w, "a larger token was here before", http.StatusConflict)
		return
	}
	s.marks[request.Partition] = request.Token
	counters := s.counters[request.Partition]
	if counters == nil {
		counters = map[string]int{}
		s.counters[request.Partition] = counters
	}
	if request.Key != "" {
		counters[request.Key] = request.Value
		return
	}
	_ = json.NewEncoder(w).Encode(counters) // the worker may have died
}

// all are the counters of every key.
func (s *store) all() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]int{}
	for _, counters := range s.counters {
		for key, value := range counters {
			all[key] = value
		}
	}
	return all
}
