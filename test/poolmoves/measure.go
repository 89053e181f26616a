package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// span is one thing that was done, and what came of it.
type span struct {
	name       string
	began      time.Time
	ended      time.Time // everything is where it should be
	handOvers  int       // partitions that went on with another worker than before, each time counted
	interrupts int       // times at which a partition was served by nobody for a while
	median     time.Duration
	longest    time.Duration // without service
	twice      int           // times at which a partition was begun while another worker served it
}

// do does something to the fleet, waits until everything is where it should be, and counts what happened.
func (f *fleet) do(ctx context.Context, name string, members int, act func() error) (span, error) {
	s := span{name: name, began: time.Now()}
	if err := act(); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	if err := f.settle(ctx, members); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	s.ended = time.Now()
	s.count(f.all())
	return s, nil
}

// count counts the events of the span; those before it tell who served what at its beginning.
func (s *span) count(events []event) {
	serves, served := map[int]string{}, map[int]string{} // now; now or last
	since := map[int]time.Time{}                         // the end of the last service
	var gaps []time.Duration
	for _, e := range events {
		within := e.at.After(s.began)
		switch {
		case e.begins:
			if within {
				if last, known := served[e.partition]; known && last != e.worker {
					s.handOvers++
				}
				if at, interrupted := since[e.partition]; interrupted {
					gaps = append(gaps, e.at.Sub(at))
				}
				if serves[e.partition] != "" && serves[e.partition] != e.worker {
					s.twice++
				}
			}
			serves[e.partition], served[e.partition] = e.worker, e.worker
			delete(since, e.partition)
		case serves[e.partition] == e.worker:
			delete(serves, e.partition)
			since[e.partition] = e.at
		}
	}
	slices.Sort(gaps)
	if s.interrupts = len(gaps); len(gaps) > 0 {
		s.median, s.longest = gaps[len(gaps)/2], gaps[len(gaps)-1]
	}
}

// row is the span as a row of a table.
func (s *span) row() string {
	return fmt.Sprintf("| %s | %d | %s | %s | %s | %s |", s.name, s.handOvers, plain(s.interrupts), shortly(s.median), shortly(s.longest), shortly(s.ended.Sub(s.began)))
}

func plain(n int) string { return fmt.Sprint(n) }

// shortly writes a time with two figures or three.
func shortly(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
