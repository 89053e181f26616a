package mutant

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/sim/stage"
)

// Player plays seeds; *stage.Stage is one.
type Player interface {
	Play(ctx context.Context, seed uint64, story string, out io.Writer) *stage.Result
}

// Hunt plays seeds, several at once, until one is not valid, and says what it came to.
func Hunt(ctx context.Context, player Player, first, seeds uint64, atOnce int) Outcome {
	begin := time.Now()
	outcome := Outcome{Tier: Simulation, Seed: first}
	enough, stop := context.WithCancel(ctx)
	defer stop()
	due := make(chan uint64)
	go func() {
		defer close(due)
		for seed := first; seed < first+seeds; seed++ {
			select {
			case due <- seed:
			case <-enough.Done():
				return
			}
		}
	}()
	var mu sync.Mutex
	var players sync.WaitGroup
	for range atOnce {
		players.Go(func() {
			for seed := range due {
				if enough.Err() != nil {
					return
				}
				result := player.Play(enough, seed, "", io.Discard)
				mu.Lock()
				if enough.Err() == nil && outcome.take(result) {
					stop()
				}
				mu.Unlock()
			}
		})
	}
	players.Wait()
	outcome.Seconds = time.Since(begin).Seconds()
	return outcome
}

// take adds a play, and reports whether it has shown the bug.
func (o *Outcome) take(result *stage.Result) (caught bool) {
	o.Seeds++
	switch result.Verdict() {
	case "invalid":
		o.Caught, o.By, o.Shown = true, rulesOf(result.Violations), result.Violations[0]
		o.Shown = o.Shown[:min(len(o.Shown), 300)]
		return true
	case "unknown":
		o.Unknown++
	}
	return false
}

// rulesOf lists the rules that violations begin with.
func rulesOf(violations []string) (rules []string) {
	for _, violation := range violations {
		if of, _, found := strings.Cut(violation, ": "); found && !slices.Contains(rules, of) {
			rules = append(rules, of)
		}
	}
	slices.Sort(rules)
	return rules
}
