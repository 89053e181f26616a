package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// sample is one measurement.
type sample struct {
	Cycles  int           `json:"cycles"`
	Errors  int           `json:"errors"`
	Elapsed time.Duration `json:"elapsed_ns"`
	P50     time.Duration `json:"p50_ns"`
	P99     time.Duration `json:"p99_ns"`
	Max     time.Duration `json:"max_ns"`
	// FirstError is one of the errors, for people.
	FirstError string `json:"first_error,omitempty"`
}

// PerSecond is the rate of cycles.
func (s *sample) PerSecond() float64 { return float64(s.Cycles) / s.Elapsed.Seconds() }

// load lets clients run cycles at once, and measures those that began after
// the warm-up and ended before the time was over.
func load(ctx context.Context, clients int, warmUp, duration time.Duration, run cycle) (*sample, error) {
	begin := time.Now().Add(warmUp)
	end := begin.Add(duration)
	// A cycle that is under way at the end may finish; it is not counted.
	runCtx, cancel := context.WithDeadline(ctx, end.Add(10*time.Second))
	defer cancel()
	var mu sync.Mutex
	var latencies []time.Duration
	result := &sample{Elapsed: duration}
	var wait sync.WaitGroup
	for client := range clients {
		wait.Go(func() {
			own, errors, firstError := one(runCtx, client, begin, end, run)
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
			result.Errors += errors
			if firstError != nil && result.FirstError == "" {
				result.FirstError = firstError.Error()
			}
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if len(latencies) == 0 {
		return nil, fmt.Errorf("not one cycle ended in %v (%d errors, the first: %s)", duration, result.Errors, result.FirstError)
	}
	slices.Sort(latencies)
	result.Cycles = len(latencies)
	result.P50, result.P99, result.Max = percentile(latencies, 50), percentile(latencies, 99), latencies[len(latencies)-1]
	return result, nil
}

// one runs the cycles of one client.
func one(ctx context.Context, client int, begin, end time.Time, run cycle) (latencies []time.Duration, errors int, firstError error) {
	for {
		sent := time.Now()
		if !sent.Before(end) || ctx.Err() != nil {
			return latencies, errors, firstError
		}
		err := run(ctx, client)
		answered := time.Now()
		switch {
		case sent.Before(begin) || answered.After(end):
		case err != nil:
			errors++
			if firstError == nil {
				firstError = err
			}
		default:
			latencies = append(latencies, answered.Sub(sent))
		}
	}
}

// percentile of sorted durations.
func percentile(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
