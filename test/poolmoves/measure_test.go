package main

import (
	"strings"
	"testing"
	"time"
)

var origin = time.Unix(1_000_000, 0)

func at(ms int) time.Time { return origin.Add(time.Duration(ms) * time.Millisecond) }

func story(lines ...any) (events []event) {
	for i := 0; i+3 < len(lines); i += 4 {
		events = append(events, event{lines[i+1].(string), lines[i+2].(int), lines[i+3].(bool), at(lines[i].(int))})
	}
	return events
}

// A span counts hand-overs and times without service, also those that began before it, and nothing that was over before.
func TestASpanCounts(t *testing.T) {
	events := story(
		0, "a", 1, true, 0, "a", 2, true, 0, "a", 3, true,
		50, "a", 3, false, 60, "b", 3, true, // before the span
		90, "a", 1, false, 130, "b", 1, true, // a hand-over of 40 ms
		110, "a", 2, false, 120, "a", 2, true, // an interruption
		140, "c", 3, true, // while b serves it
	)
	s := span{began: at(100)}
	s.count(sorted(events))
	if s.handOvers != 2 || s.interrupts != 2 || s.longest != 40*time.Millisecond || s.twice != 1 {
		t.Errorf("%+v", s)
	}
	if row := s.row(); !strings.Contains(row, "| 2 | 2 |") || !strings.Contains(row, "40 ms") {
		t.Error(row)
	}
}

func TestThePictureHasEveryWorker(t *testing.T) {
	events := sorted(story(0, "a", 0, true, 10, "b", 1, true, 50, "a", 0, false, 60, "b", 0, true))
	spans := []span{{name: "first", began: at(0), ended: at(40)}, {name: "second", began: at(45), ended: at(100)}}
	svg := plot(plan{partitions: 2}, spans, events)
	for _, want := range []string{">a<", ">b<", "1</tspan> first", "2</tspan> second", "<polygon"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	stacks := layers([]string{"a", "b"}, events, at(0), at(100), 100)
	if last := stacks[1][100]; last != [2]int{0, 2} || stacks[0][55] != [2]int{0, 0} || stacks[0][20] != [2]int{0, 1} {
		t.Errorf("%v %v %v", last, stacks[0][55], stacks[0][20])
	}
}
