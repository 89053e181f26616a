package raftnode

import "github.com/coordd/coordd/fsm/command"

// footprint is what the proposer must know of a command to choose its entry. The machine never lets a name get two owners in one entry; these rules only
// keep it from having to answer "again".
type footprint struct {
	writes     []command.Name // names that may get an owner, or lose one
	overwrites bool           // it replaces or deletes what stands there, whoever owns it
	alone      bool           // which names it touches cannot be told, so it shares an entry with nobody
	endsHolds  bool           // it ends a session, and with it holds on names nobody can list
}

// footprintOf looks at one op. What is not listed writes nothing that could have an owner, or only refreshes it.
func footprintOf(op command.Op) footprint {
	switch op := op.(type) {
	case command.Set:
		return footprint{writes: []command.Name{op.Name}, overwrites: op.Condition != command.IfAbsent && op.Condition != command.IfEqual}
	case command.GetDelete:
		return footprint{writes: []command.Name{op.Name}, overwrites: true}
	case command.MultiSet:
		return footprint{writes: pairNames(op.Pairs), overwrites: !op.IfAbsent}
	case command.Increment:
		return footprint{writes: []command.Name{op.Name}}
	case command.IncrementBy:
		return footprint{writes: []command.Name{op.Name}}
	case command.Delete:
		return footprint{writes: op.Names, overwrites: true}
	case command.DeleteIf:
		return footprint{writes: []command.Name{op.Name}, overwrites: op.Condition != command.IfEqual}
	case command.LockAcquire:
		return footprint{writes: []command.Name{{Key: op.Name}}}
	case command.LockRelease:
		return footprint{writes: []command.Name{{Key: op.Name}}}
	case command.LockCancel:
		return footprint{writes: []command.Name{{Key: op.Name}}}
	case command.SessionClose, command.SessionKill, command.SessionEndEarly:
		return footprint{endsHolds: true}
	case command.Numbered:
		return footprintOf(op.Op)
	case command.HoldAcquire, command.HoldRelease, command.HoldCancel, command.ElectionTransfer, command.ForceUnlock:
		names, _ := command.NamesOf(op)
		return footprint{writes: names}
	case command.Script:
		return scriptFootprint(op)
	case command.Transaction:
		return transactionFootprint(op)
	}
	return footprint{}
}

// scriptFootprint believes a script's declared keys. One that declares none and writes could touch anything.
func scriptFootprint(op command.Script) footprint {
	if op.ReadsOnly {
		return footprint{}
	}
	f := footprint{overwrites: true, alone: len(op.Keys) == 0}
	for _, key := range op.Keys {
		f.writes = append(f.writes, command.Name{Database: op.Database, Key: string(key)})
	}
	return f
}

// transactionFootprint is the sum of the ops inside.
func transactionFootprint(op command.Transaction) footprint {
	var sum footprint
	for _, inner := range op.Ops {
		f := footprintOf(inner)
		sum.writes = append(sum.writes, f.writes...)
		sum.overwrites = sum.overwrites || f.overwrites
		sum.alone = sum.alone || f.alone
	}
	return sum
}

func pairNames(pairs []command.Pair) []command.Name {
	names := make([]command.Name, len(pairs))
	for i, pair := range pairs {
		names[i] = pair.Name
	}
	return names
}
