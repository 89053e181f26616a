package pools

import "testing"

func TestOnlyADeathThatIsFollowedByTheSameLifeIsFalse(t *testing.T) {
	shown := func(session, state string) []shownWorker {
		return []shownWorker{{Session: session, State: state}}
	}
	for _, c := range []struct {
		what  string
		shows [][]shownWorker
		want  int
	}{
		{"a life", [][]shownWorker{shown("1-0", "alive"), shown("1-0", "alive")}, 0},
		{"a death", [][]shownWorker{shown("1-0", "alive"), shown("1-0", "dead"), shown("1-0", "dead")}, 0},
		{"a death, and a process that came after", [][]shownWorker{shown("1-0", "dead"), shown("2-0", "alive")}, 0},
		{"a lie", [][]shownWorker{shown("1-0", "dead"), shown("1-0", "alive"), shown("1-0", "alive")}, 1},
		{"two lies", [][]shownWorker{shown("1-0", "dead"), shown("1-0", "alive"), shown("1-0", "dead"), nil, shown("1-0", "alive")}, 2},
		{"a suspicion", [][]shownWorker{shown("1-0", "suspect"), shown("1-0", "alive")}, 0},
		{"no session", [][]shownWorker{shown("", "dead"), shown("", "alive")}, 0},
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
