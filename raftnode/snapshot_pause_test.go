package raftnode_test

import (
	"testing"
	"time"

	"github.com/coordd/coordd/raftnode"
)

func TestSnapshotsThatAreWantedOftenAreLookedForOften(t *testing.T) {
	for threshold, want := range map[uint64]time.Duration{1: 250 * time.Millisecond, 100: 366210937 * time.Nanosecond, 4096: 15 * time.Second, 8192: 30 * time.Second, 1 << 40: 30 * time.Second} {
		if got := raftnode.SnapshotPause(threshold); got != want {
			t.Errorf("threshold %d: looked for every %v, want %v", threshold, got, want)
		}
	}
}
