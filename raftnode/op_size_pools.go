package raftnode

import "github.com/coordd/coordd/fsm/command"

// poolOpBytes is opBytes for the ops of worker pools.
func poolOpBytes(op command.Op) (size int, ok bool) {
	pool, ok := command.PoolOf(op)
	if !ok {
		return 0, false
	}
	size = 2*opOverhead + len(pool) // two hashes of secrets and all settings fit into a second overhead
	switch op := op.(type) {
	case command.PoolJoin:
		size += len(op.Member.Worker) + len(op.Zone) + len(op.Address)
	case command.PoolLeave:
		size += len(op.Member.Worker)
	case command.PoolAssignment:
		size += len(op.Member.Worker)
	case command.PoolAcknowledge:
		size += len(op.Member.Worker) + 15*len(op.Releases) // a partition of up to 5 bytes and a token of up to 10
	case command.PoolEvict:
		size += len(op.Worker) + len(op.Reason) + len(op.Actor)
	case command.PoolPin:
		size += len(op.Worker)
	case command.PoolExplain:
		size += len(op.Key)
	}
	return size, true
}
