package raftnode

import "github.com/coordd/coordd/fsm/command"

const (
	// maxCommandBytes is the largest command that fits into an entry of its own, beside the head of the entry and its own request.
	maxCommandBytes = command.MaxEntryBytes - 512
	// opOverhead covers the fixed fields of an op and its request.
	opOverhead = 96
)

// opBytes is an upper bound of the op's encoded size that costs nothing to find: frames, pieces and entries are cut by it.
func opBytes(op command.Op) int {
	switch op := op.(type) {
	case command.Set:
		return opOverhead + len(op.Name.Key) + len(op.Value) + len(op.Operand)
	case command.DeleteIf:
		return opOverhead + len(op.Name.Key) + len(op.Operand)
	case command.Fence:
		return opOverhead + len(op.Name.Key) + len(op.Value)
	case command.MultiSet:
		size := opOverhead
		for _, pair := range op.Pairs {
			size += len(pair.Name.Key) + len(pair.Value) + 12
		}
		return size
	case command.Script:
		size := opOverhead + len(op.Program)
		for _, list := range [2][][]byte{op.Keys, op.Arguments} {
			for _, text := range list {
				size += len(text) + 6
			}
		}
		return size
	case command.ScriptLoad:
		return opOverhead + len(op.Source)
	case command.Transaction:
		size := opOverhead
		for _, watch := range op.Watches {
			size += len(watch.Name.Key) + 20
		}
		for _, inner := range op.Ops {
			size += opBytes(inner)
		}
		return size
	case command.SessionOpen:
		return opOverhead + len(op.ClientName) + len(op.Metadata)
	case command.SessionOpenEarly:
		return opOverhead + 16 + len(op.ClientName) + len(op.Metadata)
	case command.Setting:
		return opOverhead + len(op.Key) + len(op.Value)
	case command.ScriptExists:
		return opOverhead + 48*len(op.SHA1s)
	}
	if size, pool := poolOpBytes(op); pool {
		return size
	}
	size := opOverhead + command.MaxOwnerBytes + holdBytes(op)
	names, _ := command.NamesOf(op)
	for _, name := range names {
		size += len(name.Key) + 12
	}
	return size
}

// holdBytes bounds what the ops of native holds carry beside names and an owner.
func holdBytes(op command.Op) int {
	switch op := op.(type) {
	case command.Numbered:
		return opOverhead + holdBytes(op.Op)
	case command.HoldAcquire:
		return opOverhead + len(op.Metadata) + len(op.Owner)
	case command.HoldRelease:
		return len(op.Owner)
	case command.HoldDescribe:
		return len(op.Metadata) + len(op.Owner)
	case command.HoldCheck:
		return 24 * len(op.Checks)
	case command.SessionRenew:
		return 16 * len(op.Acknowledged)
	case command.SessionKill:
		return len(op.Reason) + len(op.Actor)
	case command.ForceUnlock:
		return len(op.Reason) + len(op.Actor)
	case command.SessionList:
		return len(op.Match)
	case command.LockList:
		return len(op.Match) + len(op.Cursor)
	case command.ElectionTransfer:
		return len(op.Candidate) + len(op.Owner)
	}
	return 0
}

// piece is how many of the first ops make one job: at most maxJobOps, and not more bytes than a frame should have, but at least one.
func piece(ops []command.Op) (count, bytes int) {
	for _, op := range ops {
		size := opBytes(op)
		if count > 0 && (count >= maxJobOps || bytes+size > maxFrameBytes) {
			break
		}
		count, bytes = count+1, bytes+size
	}
	return count, bytes
}

// tooLarge reports whether an op does not fit into a log entry. Only what may be large is measured exactly.
func tooLarge(op command.Op) bool {
	return opBytes(op) > maxCommandBytes && len(command.AppendOp(nil, op)) > maxCommandBytes
}
