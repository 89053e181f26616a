package raftnode

import (
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"pgregory.net/rapid"

	_ "github.com/coordd/coordd/internal/rapidseed"
)

var someSession = command.SessionID{Index: 9}

func TestS17_NumbersGrowAndTheMarkFollows(t *testing.T) {
	n := newNumbering()
	if _, ok := n.assign(1); ok {
		t.Fatal("a number was given out without a session")
	}
	n.open(someSession)
	first, _ := n.assign(3)
	second, _ := n.assign(2)
	n.retire(someSession, second, 2, 0)
	if first != 1 || second != 4 || n.lowWater != 0 {
		t.Fatalf("first %d, second %d, mark %d", first, second, n.lowWater)
	}
	n.retire(someSession, first, 3, 0)
	if n.lowWater != 5 {
		t.Fatalf("everything is finished and the mark is %d", n.lowWater)
	}
}

func TestS17_TheWindowIsBounded(t *testing.T) {
	n := newNumbering()
	n.open(someSession)
	first, _ := n.assign(1)
	for range maxNumberedCommands - 1 {
		number, ok := n.assign(1)
		if !ok {
			t.Fatal("the window closed early")
		}
		n.retire(someSession, number, 1, 0)
	}
	if _, ok := n.assign(1); ok {
		t.Fatalf("more than %d numbers lie above the mark", maxNumberedCommands)
	}
	n.retire(someSession, first, 1, 0)
	if _, ok := n.assign(1); !ok {
		t.Fatal("the window did not open again")
	}
	n.retire(someSession, n.next-1, 1, maxRememberedBytes+1)
	if n.bytes != 0 || n.lowWater != n.next-1 {
		t.Fatalf("%d bytes are counted below the mark", n.bytes)
	}
}

// Whatever is retired in whatever order, the mark never passes a number that is not finished, and nothing is forgotten to be counted down.
func TestTheMarkNeverPassesAnUnfinishedNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newNumbering()
		n.open(someSession)
		open := map[uint64]int{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if count := rapid.IntRange(1, 5).Draw(t, "count"); rapid.Bool().Draw(t, "assign") || len(open) == 0 {
				if first, ok := n.assign(count); ok {
					open[first] = count
				}
				continue
			}
			for first, count := range open {
				n.retire(someSession, first, count, count*10)
				delete(open, first)
				break
			}
			for first := range open {
				if n.lowWater >= first {
					t.Fatalf("the mark %d has passed %d", n.lowWater, first)
				}
			}
		}
		for first, count := range open {
			n.retire(someSession, first, count, count*10)
		}
		if n.lowWater != n.next-1 || n.bytes != 0 || len(n.finished) != 0 {
			t.Fatalf("mark %d of %d, %d bytes, %d kept", n.lowWater, n.next-1, n.bytes, len(n.finished))
		}
	})
}
