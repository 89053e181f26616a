package fsm

import "github.com/coordd/coordd/fsm/command"

// beyondLimits refuses a Redis write whose names or values are longer than the state may hold. Doors say so earlier; the log may come from any of them.
func beyondLimits(op command.Op) *command.Reply {
	switch op := op.(type) {
	case command.Set:
		return firstProblem(nameTooLong(op.Name), valueTooLong(op.Value))
	case command.Increment:
		return nameTooLong(op.Name)
	case command.IncrementBy:
		return nameTooLong(op.Name)
	case command.MultiSet:
		if problem := tooMany("names in one command", len(op.Pairs), command.MaxNamesPerCommand); problem != nil {
			return problem
		}
		for _, pair := range op.Pairs {
			if problem := firstProblem(nameTooLong(pair.Name), valueTooLong(pair.Value)); problem != nil {
				return problem
			}
		}
	case command.Delete:
		return tooMany("names in one command", len(op.Names), command.MaxNamesPerCommand)
	case command.Transaction:
		return firstProblem(
			tooMany("commands in one transaction", len(op.Ops), command.MaxOpsPerTransaction),
			tooMany("watched names", len(op.Watches), command.MaxNamesPerCommand))
	case command.Script:
		return tooMany("keys and arguments of a script", len(op.Keys)+len(op.Arguments), command.MaxScriptArguments)
	}
	return nil
}

func firstProblem(problems ...*command.Reply) *command.Reply {
	for _, problem := range problems {
		if problem != nil {
			return problem
		}
	}
	return nil
}

func nameTooLong(name command.Name) *command.Reply {
	if len(name.Key) <= command.MaxNameBytes {
		return nil
	}
	problem := command.Errorf(command.CodeLimit, "a key of %d bytes is too long; the limit is %d", len(name.Key), command.MaxNameBytes)
	return &problem
}

func valueTooLong(value []byte) *command.Reply {
	if len(value) <= command.MaxValueBytes {
		return nil
	}
	problem := command.Errorf(command.CodeLimit, "a value of %d bytes is too long; the limit is %d", len(value), command.MaxValueBytes)
	return &problem
}

func tooMany(what string, count, most int) *command.Reply {
	if count <= most {
		return nil
	}
	problem := command.Errorf(command.CodeLimit, "%d %s are too many; the limit is %d", count, what, most)
	return &problem
}
