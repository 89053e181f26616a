package command

// NamesOf lists the names that an op reads or writes, in the order in which it states them; ok is false when they cannot be listed without running it (a
// script) or are all names of a database (SCAN and its like).
func NamesOf(op Op) (names []Name, ok bool) {
	switch op := op.(type) {
	case Set:
		return []Name{op.Name}, true
	case Get:
		return []Name{op.Name}, true
	case GetDelete:
		return []Name{op.Name}, true
	case GetExpire:
		return []Name{op.Name}, true
	case GetRefused:
		return []Name{op.Name}, true
	case GetRange:
		return []Name{op.Name}, true
	case Length:
		return []Name{op.Name}, true
	case MultiGet:
		return op.Names, true
	case MultiSet:
		for _, pair := range op.Pairs {
			names = append(names, pair.Name)
		}
		return names, true
	case Increment:
		return []Name{op.Name}, true
	case IncrementBy:
		return []Name{op.Name}, true
	case Delete:
		return op.Names, true
	case DeleteIf:
		return []Name{op.Name}, true
	case Exists:
		return op.Names, true
	case Type:
		return []Name{op.Name}, true
	case ExpireKey:
		return []Name{op.Name}, true
	case TimeToLive:
		return []Name{op.Name}, true
	case Persist:
		return []Name{op.Name}, true
	case Fence:
		return []Name{op.Name}, true
	case Revisions:
		return op.Names, true
	case LockAcquire:
		return []Name{{Key: op.Name}}, true
	case LockRenew:
		return []Name{{Key: op.Name}}, true
	case LockRelease:
		return []Name{{Key: op.Name}}, true
	case LockCancel:
		return []Name{{Key: op.Name}}, true
	case Transaction:
		return namesOfTransaction(op)
	case Script, Scan, Keys, DatabaseSize, LockList:
		return nil, false
	}
	return namesOfHold(op), true
}

// namesOfHold lists the names of the ops of native holds.
func namesOfHold(op Op) (names []Name) {
	switch op := op.(type) {
	case Numbered:
		return namesOfHold(op.Op)
	case HoldAcquire:
		for _, name := range op.Names {
			names = append(names, Name{Key: name})
		}
		return names
	case HoldRenew:
		return []Name{{Key: op.Name}}
	case HoldRelease:
		return []Name{{Key: op.Name}}
	case HoldCancel:
		return []Name{{Key: op.Name}}
	case HoldDescribe:
		return []Name{{Key: op.Name}}
	case HoldCheck:
		for _, check := range op.Checks {
			names = append(names, Name{Key: check.Name})
		}
		return names
	case LockInfo:
		return []Name{{Key: op.Name}}
	case LockHistory:
		return []Name{{Key: op.Name}}
	case HoldOutcome:
		return []Name{{Key: op.Name}}
	case ElectionTransfer:
		return []Name{{Key: op.Name}}
	case ElectionLeader:
		return []Name{{Key: op.Name}}
	case ForceUnlock:
		return []Name{{Key: op.Name}}
	}
	return nil
}

func namesOfTransaction(transaction Transaction) (names []Name, ok bool) {
	for _, watch := range transaction.Watches {
		names = append(names, watch.Name)
	}
	for _, op := range transaction.Ops {
		more, ok := NamesOf(op)
		if !ok {
			return nil, false
		}
		names = append(names, more...)
	}
	return names, true
}
