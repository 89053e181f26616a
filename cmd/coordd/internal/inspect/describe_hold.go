package inspect

import (
	"github.com/coordd/coordd/fsm/command"
)

// describeHold tells the ops of native holds and of what operators do to them.
func describeHold(op command.Op) (fields Fields, known bool) {
	switch o := op.(type) {
	case command.Numbered:
		return Fields{{"session", position(o.By.Session)}, {"number", o.Number}, {"low_water", o.LowWater}, {"command", Describe(o.Op)}}, true
	case command.SessionRenew:
		return Fields{{"session", position(o.By.Session)}, {"acknowledged", positions(o.Acknowledged)}}, true
	case command.SessionKill:
		return Fields{{"session", position(o.Session)}, {"reason", Text(o.Reason)}, {"actor", Text(o.Actor)}, {"now", o.Now}}, true
	case command.SessionOpenEarly:
		return Fields{{"ttl_ms", o.TTLMilliseconds}, {"client_name", Text(o.ClientName)}, {"metadata", Text(o.Metadata)}, {"early_ms", o.EarlyMilliseconds}}, true
	case command.SessionEndEarly:
		return Fields{{"session", position(o.Session)}, {"renewed_ms", int64(o.Renewed)}}, true
	case command.SessionList:
		return Fields{{"cursor", position(o.Cursor)}, {"count", o.Count}, {"match", Text(o.Match)}, {"nodes", o.Nodes}}, true
	case command.SessionInfo:
		return Fields{{"session", position(o.Session)}}, true
	case command.HoldAcquire:
		return Fields{
			{"names", texts(o.Names)}, {"database", 0}, {"mode", o.Mode.String()}, {"permits", o.Permits}, {"limit", o.Limit}, {"session", position(o.By.Session)},
			{"owner", Text(o.Owner)}, {"ttl_ms", o.TTLMilliseconds}, {"wait_ms", o.WaitMilliseconds}, {"reentrant", o.Reentrant}, {"max_hold_ms", o.MaxHold},
			{"delay_ms", o.Delay}, {"at_least_ms", o.AtLeast}, {"metadata", Text(o.Metadata)},
		}, true
	case command.HoldRenew:
		return append(holdFields(o.Name, o.Hold), Field{"ttl_ms", o.TTLMilliseconds}), true
	case command.HoldRelease:
		return append(holdFields(o.Name, o.Hold), Field{"session", position(o.By.Session)}, Field{"owner", Text(o.Owner)}, Field{"all", o.All}), true
	case command.HoldCancel:
		return Fields{{"name", Text(o.Name)}, {"database", 0}, {"waiter", position(o.Waiter)}, {"session", position(o.By.Session)}, {"owner", Text(o.Owner)}, {"number", o.Number}}, true
	case command.HoldDescribe:
		return append(holdFields(o.Name, o.Hold), Field{"session", position(o.By.Session)}, Field{"owner", Text(o.Owner)}, Field{"metadata", Text(o.Metadata)}), true
	case command.HoldCheck:
		checks := make([]Fields, len(o.Checks))
		for i, check := range o.Checks {
			checks[i] = holdFields(check.Name, check.Hold)
		}
		return Fields{{"checks", checks}}, true
	}
	return describeInquiry(op)
}

// describeInquiry tells the ops that look at locks, and those of elections and operators.
func describeInquiry(op command.Op) (fields Fields, known bool) {
	switch o := op.(type) {
	case command.HoldOutcome:
		return Fields{{"name", Text(o.Name)}, {"database", 0}, {"waiter", position(o.Waiter)}}, true
	case command.LockInfo:
		return Fields{{"name", Text(o.Name)}, {"database", 0}}, true
	case command.LockList:
		return Fields{{"cursor", Text(o.Cursor)}, {"count", o.Count}, {"match", Text(o.Match)}, {"redis", o.Redis}}, true
	case command.LockHistory:
		return Fields{{"name", Text(o.Name)}, {"database", 0}, {"count", o.Count}}, true
	case command.ElectionTransfer:
		return append(holdFields(o.Name, o.Hold), Field{"session", position(o.By.Session)}, Field{"owner", Text(o.Owner)}, Field{"to_waiter", position(o.Waiter)},
			Field{"to", Text(o.Candidate)}), true
	case command.ElectionLeader:
		return Fields{{"name", Text(o.Name)}, {"database", 0}}, true
	case command.ForceUnlock:
		return Fields{{"name", Text(o.Name)}, {"database", 0}, {"waiter", position(o.Waiter)}, {"reason", Text(o.Reason)}, {"actor", Text(o.Actor)}, {"now", o.Now}}, true
	}
	return nil, false
}

func holdFields(name string, hold command.HoldRef) Fields {
	return Fields{{"name", Text(name)}, {"database", 0}, {"token", hold.Token}, {"waiter", position(hold.Waiter)}}
}

func positions(list []command.Position) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = position(p)
	}
	return out
}
