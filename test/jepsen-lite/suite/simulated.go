package suite

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/coordd/coordd/test/jepsen-lite/sim/world"
)

// Plays is what ledgers of the simulation show: how often each kind of fault was injected in valid plays.
type Plays struct {
	Valid   int
	Commits map[string]bool
	Faults  map[string]int // by the simulation's own names

	seen map[play]bool
}

// play is one seed with one build.
type play struct {
	Build string
	Seed  uint64
}

// ReadPlays adds a ledger of the simulation. A seed that was played twice with one build counts once, whatever ledgers say so, and a line that was cut off says nothing.
func (p *Plays) ReadPlays(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the ledger of the simulation: %w", err)
	}
	defer file.Close()
	if p.Faults == nil {
		p.Faults, p.Commits, p.seen = map[string]int{}, map[string]bool{}, map[play]bool{}
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one struct {
			play
			Commit, Verdict string
			Faults          map[string]int
		}
		if json.Unmarshal(lines.Bytes(), &one) != nil || one.Verdict != "valid" || p.seen[one.play] {
			continue
		}
		p.seen[one.play] = true
		p.Valid++
		p.Commits[one.Commit] = true
		for name, count := range one.Faults {
			p.Faults[name] += count
		}
	}
	return lines.Err()
}

// like counts the faults of the simulation that are like a nemesis.
func (p *Plays) like(nemesis string) (count int) {
	for _, kind := range world.Kinds() {
		if kind.Nemesis == nemesis {
			count += p.Faults[kind.Name]
		}
	}
	return count
}

// alone are the kinds of faults that only the simulation has.
func (p *Plays) alone() (kinds []world.Kind) {
	for _, kind := range world.Kinds() {
		if kind.Nemesis == "" && p.Faults[kind.Name] > 0 {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}
