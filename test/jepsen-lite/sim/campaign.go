package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/sim/stage"
	"github.com/coordd/coordd/test/jepsen-lite/sim/world"
)

// progressEvery is how often a campaign says how far it is.
const progressEvery = 10 * time.Second

// tally is what a campaign has seen.
type tally struct {
	started   time.Time
	played    int
	known     int // from the ledger
	invalid   []uint64
	unknown   []uint64
	simulated time.Duration
	counts    map[string]int
	slowest   time.Duration
}

// campaign plays many seeds at once and says what came of them.
func campaign(ctx context.Context, built *stage.Stage, s settings, out io.Writer) (int, error) {
	book, err := openLedger(s.ledger, built.Revision)
	if err != nil {
		return exitUnknown, err
	}
	defer book.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if s.limit > 0 {
		ctx, stop = context.WithTimeout(ctx, s.limit)
		defer stop()
	}
	t := &tally{started: time.Now(), counts: make(map[string]int)}
	results := playAll(ctx, built, s, book, t)
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	version := commit()
	for {
		select {
		case <-ticker.C:
			t.progress(out, s)
			continue
		case r, more := <-results:
			if !more {
				t.summary(out, s, book)
				return t.exit(s), nil
			}
			if r.Verdict() == "unknown" && ctx.Err() != nil {
				continue // interrupted
			}
			t.take(r)
			r.Tell(out)
			entry := line{built.Revision, version, r.Seed, r.Verdict(), r.Fingerprint, r.Took.Milliseconds(), r.Simulated.Milliseconds(), faultsOf(r.Counts)}
			if err := book.note(entry); err != nil {
				return exitUnknown, err
			}
			if r.Verdict() != "valid" && !s.keepGoing {
				stop()
			}
		}
	}
}

// playAll plays the seeds that are not in the ledger, with all workers, and closes the channel when there are no more.
func playAll(ctx context.Context, built *stage.Stage, s settings, book *ledger, t *tally) <-chan *stage.Result {
	var due []uint64
	for seed := s.first; seed < s.first+s.seeds; seed++ {
		if book.done[seed] && !s.anew {
			t.known++
			continue
		}
		due = append(due, seed)
	}
	seeds, results := make(chan uint64), make(chan *stage.Result)
	go func() {
		defer close(seeds)
		for _, seed := range due {
			select {
			case seeds <- seed:
			case <-ctx.Done():
				return
			}
		}
	}()
	var workers sync.WaitGroup
	for range s.workers {
		workers.Go(func() {
			for seed := range seeds {
				results <- built.PlayForLedger(ctx, seed)
			}
		})
	}
	go func() {
		workers.Wait()
		close(results)
	}()
	return results
}

// take adds a result.
func (t *tally) take(r *stage.Result) {
	t.played++
	t.simulated += r.Simulated
	t.slowest = max(t.slowest, r.Took)
	for what, count := range r.Counts {
		t.counts[what] += count
	}
	switch r.Verdict() {
	case "invalid":
		t.invalid = append(t.invalid, r.Seed)
	case "unknown":
		t.unknown = append(t.unknown, r.Seed)
	}
}

// rate is how many seeds are played in a minute.
func (t *tally) rate() float64 { return float64(t.played) / max(time.Since(t.started).Minutes(), 1e-9) }

func (t *tally) progress(out io.Writer, s settings) {
	left := float64(int(s.seeds) - t.known - t.played)
	fmt.Fprintf(out, "%d of %d seeds, %d not valid; %.0f seeds/min, about %s left\n", t.known+t.played, s.seeds, len(t.invalid)+len(t.unknown), t.rate(),
		(time.Duration(left / max(t.rate(), 1) * float64(time.Minute))).Round(time.Second))
}

// summary says what a campaign came to.
func (t *tally) summary(out io.Writer, s settings, book *ledger) {
	fmt.Fprintf(out, "\n%d seeds played in %s (%.0f seeds/min; the slowest took %s), %.1f hours simulated\n",
		t.played, time.Since(t.started).Round(time.Second), t.rate(), t.slowest.Round(time.Millisecond), t.simulated.Hours())
	var seen []string
	for _, what := range slices.Sorted(maps.Keys(t.counts)) {
		if !strings.HasPrefix(what, faultPrefix) {
			seen = append(seen, fmt.Sprintf("%s %d", what, t.counts[what]))
		}
	}
	fmt.Fprintf(out, "seen: %s\n\n", strings.Join(seen, ", "))
	book.matrix(out)
	fmt.Fprintf(out, "ledger %s: %d valid plays of this build among the seeds asked for, %d of all builds\n", s.ledger, t.known+t.played-len(t.invalid)-len(t.unknown), book.all)
	if left := int(s.seeds) - t.known - t.played; left > 0 {
		fmt.Fprintf(out, "%d seeds were not played; the same command goes on from here\n", left)
	}
	if len(t.invalid)+len(t.unknown) > 0 {
		fmt.Fprintf(out, "invalid: %v, unknown: %v\n", t.invalid, t.unknown)
	}
	fmt.Fprintf(out, "verdict: %s\n", map[int]string{exitValid: "valid", exitInvalid: "invalid", exitUnknown: "unknown"}[t.exit(s)])
}

// faultPrefix begins the names under which plays count faults.
const faultPrefix = "fault: "

// faultsOf picks the faults out of what a play has counted.
func faultsOf(counts map[string]int) map[string]int {
	faults := make(map[string]int)
	for what, count := range counts {
		if name, ok := strings.CutPrefix(what, faultPrefix); ok {
			faults[name] = count
		}
	}
	return faults
}

// matrix writes how often each kind of fault was injected in the valid plays of this build, by the rows of the fault matrix.
func (l *ledger) matrix(out io.Writer) {
	fmt.Fprintf(out, "all valid plays of this build: %d seeds, %.1f hours simulated\n\n", len(l.done), l.simulated.Hours())
	fmt.Fprintln(out, "| row | in the simulation | with real processes | times |\n| --- | --- | --- | --- |")
	for _, kind := range world.Kinds() {
		nemesis := "-"
		if kind.Nemesis != "" {
			nemesis = "`" + kind.Nemesis + "`"
		}
		fmt.Fprintf(out, "| %d | %s | %s | %d |\n", kind.Row, kind.Name, nemesis, l.faults[kind.Name])
	}
	fmt.Fprintln(out)
}

// exit is the exit code. A campaign that did not get to all its seeds has not passed.
func (t *tally) exit(s settings) int {
	switch {
	case len(t.invalid) > 0:
		return exitInvalid
	case len(t.unknown) > 0 || t.known+t.played < int(s.seeds):
		return exitUnknown
	}
	return exitValid
}
