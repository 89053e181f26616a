package world

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"testing"
)

// resultMark begins the line in which a play reports to the command sim.
const resultMark = "coordd-sim-result: "

// TestOneSeed plays the seed that the command sim asks for.
func TestOneSeed(t *testing.T) {
	text := os.Getenv("COORDD_SIM_SEED")
	if text == "" {
		t.Skip("go run ./test/jepsen-lite/sim asks for seeds")
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := limitMemory(); err != nil {
		t.Fatal(err)
	}
	// The story is written also when nobody reads it, since a play takes its course with all that it allocates.
	options := Options{Dir: os.Getenv("COORDD_SIM_DIR"), Story: io.Discard}
	switch os.Getenv("COORDD_SIM_STORY") {
	case "nodes":
		options.Nodes = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
		fallthrough
	case "story":
		options.Story = os.Stderr
	}
	report, err := json.Marshal(Play(t, seed, options))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%s%s\n", resultMark, report)
}

// A bounded number of seeds, on the unchanged runtime.
func TestSeeds(t *testing.T) {
	last := uint64(6)
	if testing.Short() {
		last = 2
	}
	for seed := uint64(1); seed <= last; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			report := Play(t, seed, Options{})
			for _, violation := range append(report.Violations, report.Undecided...) {
				t.Error(violation)
			}
			if t.Failed() {
				t.Logf("see it again, or something like it: go run ./test/jepsen-lite/sim --repeat %d", seed)
			}
		})
	}
}
