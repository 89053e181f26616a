package fsm

import (
	"fmt"

	"github.com/coordd/coordd/fsm/command"
)

// hashHistory keeps the hash chain at the last entries, so that a leader's tick about an earlier index can be checked. It is not state: a machine
// that has just been restored knows only what it ran since.
type hashHistory struct {
	ring [4096]struct{ index, hash uint64 }
}

func (h *hashHistory) add(index, hash uint64) {
	slot := &h.ring[index%uint64(len(h.ring))]
	slot.index, slot.hash = index, hash
}

// check compares the leader's hash with this machine's own at the same index, when it still knows it.
func (h *hashHistory) check(tick command.Tick, now uint64) error {
	if tick.HashIndex == 0 || tick.HashIndex >= now {
		return nil
	}
	slot := h.ring[tick.HashIndex%uint64(len(h.ring))]
	if slot.index != tick.HashIndex || slot.hash == tick.Hash {
		return nil
	}
	return fmt.Errorf("this node's state differs from its leader's at log index %d (hash %016x here, %016x there): it must not serve; keep its data directory for analysis, remove the node and add it anew with an empty directory",
		tick.HashIndex, slot.hash, tick.Hash)
}
