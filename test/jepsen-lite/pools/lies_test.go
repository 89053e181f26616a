package pools

import (
	"testing"

	"github.com/coordd/coordd/transport"
)

func TestOnlyADeathThatIsFollowedByTheSameLifeIsFalse(t *testing.T) {
	shown := func(session, state string) []transport.GossipWorker {
		return []transport.GossipWorker{{ID: "w01", Session: session, State: state}}
	}
	for _, c := range []struct {
		what  string
		shows [][]transport.GossipWorker
		want  int
	}{
		{"a life", [][]transport.GossipWorker{shown("1-0", "alive"), shown("1-0", "alive")}, 0},
		{"a death", [][]transport.GossipWorker{shown("1-0", "alive"), shown("1-0", "dead"), shown("1-0", "dead")}, 0},
		{"a death, and a process that came after", [][]transport.GossipWorker{shown("1-0", "dead"), shown("2-0", "alive")}, 0},
		{"a lie", [][]transport.GossipWorker{shown("1-0", "dead"), shown("1-0", "alive"), shown("1-0", "alive")}, 1},
		{"two lies", [][]transport.GossipWorker{shown("1-0", "dead"), shown("1-0", "alive"), shown("1-0", "dead"), nil, shown("1-0", "alive")}, 2},
		{"a suspicion", [][]transport.GossipWorker{shown("1-0", "suspect"), shown("1-0", "alive")}, 0},
		{"no session", [][]transport.GossipWorker{shown("", "dead"), shown("", "alive")}, 0},
	} {
		var deaths falseDeaths
		for _, workers := range c.shows {
			deaths.see(workers)
		}
		if got := deaths.seen(); got != c.want {
			t.Errorf("%s: %d false deaths, want %d", c.what, got, c.want)
		}
	}
}
