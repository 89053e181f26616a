//go:build failpoints

package failpoints

import "github.com/hashicorp/raft"

// around puts the point between two entries of a batch around the machine. Within an entry there is none: the machine lives in memory, so a process that dies in one leaves the same behind as one that dies before it.
func (f *follower) around(machine raft.BatchingFSM) raft.BatchingFSM {
	return &crashingMachine{machine, f.armed, f.at}
}

type crashingMachine struct {
	raft.BatchingFSM
	armed func(point string) bool
	at    func(point string)
}

// ApplyBatch runs half of a batch, tells all who wait for it, and dies, if that is the point. Otherwise it leaves batches as they are.
func (m *crashingMachine) ApplyBatch(logs []*raft.Log) []any {
	const point = "mid-apply"
	if len(logs) < 2 || !m.armed(point) {
		return m.BatchingFSM.ApplyBatch(logs)
	}
	half := len(logs) / 2
	responses := m.BatchingFSM.ApplyBatch(logs[:half])
	m.at(point)
	return append(responses, m.BatchingFSM.ApplyBatch(logs[half:])...) // the order was withdrawn in between
}
