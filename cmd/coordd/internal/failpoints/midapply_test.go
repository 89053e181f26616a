//go:build failpoints

package failpoints

import (
	"reflect"
	"testing"

	"github.com/hashicorp/raft"
)

// counting notes how many entries each batch had, and answers each entry with its index.
type counting struct {
	raft.FSM
	batches []int
}

func (c *counting) ApplyBatch(logs []*raft.Log) []any {
	c.batches = append(c.batches, len(logs))
	responses := make([]any, len(logs))
	for i, log := range logs {
		responses[i] = log.Index
	}
	return responses
}

func TestTheProcessDiesBetweenTwoEntriesOfABatch(t *testing.T) {
	batch := []*raft.Log{{Index: 1}, {Index: 2}, {Index: 3}, {Index: 4}, {Index: 5}}
	for _, one := range []struct {
		what    string
		crash   string
		logs    []*raft.Log
		batches []int
		died    int
	}{
		{"armed", "mid-apply", batch, []int{2, 3}, 1},
		{"another point", "after-store", batch, []int{5}, 0},
		{"nothing was ordered", "", batch, []int{5}, 0},
		{"a batch of one entry has no middle", "mid-apply", batch[:1], []int{1}, 0},
	} {
		f, inner, died := &follower{}, &counting{}, 0
		f.orders.Store(&Orders{Crash: one.crash})
		machine := &crashingMachine{inner, f.armed, func(point string) {
			if f.armed(point) && reflect.DeepEqual(inner.batches, []int{2}) {
				died++
			}
		}}
		responses := machine.ApplyBatch(one.logs)
		if died != one.died || !reflect.DeepEqual(inner.batches, one.batches) {
			t.Errorf("%s: it died %d times in the middle, of batches %v; want %d and %v", one.what, died, inner.batches, one.died, one.batches)
		}
		for i, log := range one.logs {
			if len(responses) != len(one.logs) || responses[i] != log.Index {
				t.Fatalf("%s: the answers are %v", one.what, responses)
			}
		}
	}
}
