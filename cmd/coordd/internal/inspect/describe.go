package inspect

import (
	"fmt"

	"github.com/coordd/coordd/fsm/command"
)

// kindNames are the words of the kinds in JSON. They are part of docs/inspect.md, so they never change.
var kindNames = map[command.Kind]string{
	command.KindTick:             "tick",
	command.KindExpire:           "expire",
	command.KindClockOffset:      "clock_offset",
	command.KindIdentity:         "identity",
	command.KindSetting:          "setting",
	command.KindSessionOpen:      "session_open",
	command.KindSessionKeepAlive: "session_keepalive",
	command.KindSessionClose:     "session_close",
	command.KindLockAcquire:      "lock_acquire",
	command.KindLockRenew:        "lock_renew",
	command.KindLockRelease:      "lock_release",
	command.KindLockCancel:       "lock_cancel",
	command.KindSet:              "set",
	command.KindGet:              "get",
	command.KindGetDelete:        "get_delete",
	command.KindGetExpire:        "get_expire",
	command.KindGetRange:         "get_range",
	command.KindLength:           "length",
	command.KindMultiGet:         "multi_get",
	command.KindMultiSet:         "multi_set",
	command.KindIncrement:        "increment",
	command.KindIncrementBy:      "increment_by",
	command.KindDelete:           "delete",
	command.KindDeleteIf:         "delete_if",
	command.KindExists:           "exists",
	command.KindType:             "type",
	command.KindExpireKey:        "expire_key",
	command.KindTimeToLive:       "time_to_live",
	command.KindPersist:          "persist",
	command.KindScan:             "scan",
	command.KindKeys:             "keys",
	command.KindDatabaseSize:     "database_size",
	command.KindTime:             "time",
	command.KindFence:            "fence",
	command.KindRevisions:        "revisions",
	command.KindGetRefused:       "get_refused",
	command.KindTransaction:      "transaction",
	command.KindScript:           "script",
	command.KindScriptLoad:       "script_load",
	command.KindScriptSource:     "script_source",
	command.KindScriptExists:     "script_exists",
	command.KindScriptFlush:      "script_flush",
	command.KindNumbered:         "numbered",
	command.KindSessionRenew:     "session_renew",
	command.KindSessionKill:      "session_kill",
	command.KindSessionOpenEarly: "session_open_early",
	command.KindSessionEndEarly:  "session_end_early",
	command.KindSessionList:      "session_list",
	command.KindSessionInfo:      "session_info",
	command.KindHoldAcquire:      "hold_acquire",
	command.KindHoldRenew:        "hold_renew",
	command.KindHoldRelease:      "hold_release",
	command.KindHoldCancel:       "hold_cancel",
	command.KindHoldDescribe:     "hold_describe",
	command.KindHoldCheck:        "hold_check",
	command.KindHoldOutcome:      "hold_outcome",
	command.KindLockInfo:         "lock_info",
	command.KindLockList:         "lock_list",
	command.KindLockHistory:      "lock_history",
	command.KindElectionTransfer: "election_transfer",
	command.KindElectionLeader:   "election_leader",
	command.KindForceUnlock:      "force_unlock",
}

// kindName is a kind's word, or its number when this package does not know it.
func kindName(kind command.Kind) string {
	if name, known := kindNames[kind]; known {
		return name
	}
	return fmt.Sprintf("kind_%d", kind)
}

// Describe tells an op as an object that begins with its kind. The secrets' hashes of sessions are left out.
func Describe(op command.Op) Fields {
	fields := Fields{{"kind", kindName(op.Kind())}}
	switch o := op.(type) {
	case command.Malformed:
		return append(fields, Field{"malformed", true})
	case command.Transaction:
		return append(fields, Field{"watches", watches(o.Watches)}, Field{"commands", describeAll(o.Ops)})
	case command.Script:
		return append(fields, Field{"database", o.Database}, Field{"keys", texts(o.Keys)}, Field{"arguments", texts(o.Arguments)}, Field{"reads_only", o.ReadsOnly},
			Field{"program_bytes", len(o.Program)})
	}
	if more, known := describeHousekeeping(op); known {
		return append(fields, more...)
	}
	if more, known := describeNative(op); known {
		return append(fields, more...)
	}
	if more, known := describeHold(op); known {
		return append(fields, more...)
	}
	if more, known := describePool(op); known {
		return append(fields, more...)
	}
	return append(fields, describeKey(op)...)
}

func describeAll(ops []command.Op) []Fields {
	out := make([]Fields, len(ops))
	for i, op := range ops {
		out[i] = Describe(op)
	}
	return out
}

func watches(list []command.Watch) []Fields {
	out := make([]Fields, len(list))
	for i, watch := range list {
		out[i] = append(nameFields(watch.Name), Field{"revision", watch.Revision})
	}
	return out
}

// describeHousekeeping tells what leaders propose by themselves, and what concerns the script cache.
func describeHousekeeping(op command.Op) (fields Fields, known bool) {
	switch o := op.(type) {
	case command.Tick:
		return Fields{{"hash_index", o.HashIndex}, {"hash", fmt.Sprintf("%016x", o.Hash)}}, true
	case command.Expire, command.Time, command.ScriptFlush:
		return nil, true
	case command.ClockOffset:
		return Fields{{"offset_ms", o.Milliseconds}}, true
	case command.Identity:
		return Fields{{"cluster_id", o.ClusterID}, {"cluster_name", o.ClusterName}}, true
	case command.Setting:
		return Fields{{"setting", o.Key}, {"value", o.Value}}, true
	case command.ScriptLoad:
		return Fields{{"source", Text(o.Source)}}, true
	case command.ScriptSource:
		return Fields{{"sha1", o.SHA1}}, true
	case command.ScriptExists:
		return Fields{{"sha1s", o.SHA1s}}, true
	}
	return nil, false
}

// describeNative tells the ops of sessions and native locks.
func describeNative(op command.Op) (fields Fields, known bool) {
	switch o := op.(type) {
	case command.SessionOpen:
		return Fields{{"ttl_ms", o.TTLMilliseconds}, {"client_name", Text(o.ClientName)}, {"metadata", Text(o.Metadata)}, {"node", o.Node}}, true
	case command.SessionKeepAlive:
		return Fields{{"session", position(o.Session)}}, true
	case command.SessionClose:
		return Fields{{"session", position(o.Session)}}, true
	case command.LockAcquire:
		return Fields{
			{"name", Text(o.Name)}, {"database", 0}, {"session", position(o.Session)}, {"owner", Text(o.Owner)}, {"ttl_ms", o.TTLMilliseconds},
			{"wait_ms", o.WaitMilliseconds},
		}, true
	case command.LockRenew:
		return Fields{{"name", Text(o.Name)}, {"database", 0}, {"token", o.Token}, {"ttl_ms", o.TTLMilliseconds}}, true
	case command.LockRelease:
		return Fields{{"name", Text(o.Name)}, {"database", 0}, {"token", o.Token}, {"session", position(o.Session)}}, true
	case command.LockCancel:
		return Fields{{"name", Text(o.Name)}, {"database", 0}, {"waiter", position(o.Waiter)}}, true
	}
	return nil, false
}

// position writes an id, and nothing for none.
func position(p command.Position) string {
	if p.IsZero() {
		return ""
	}
	return p.String()
}

func nameFields(name command.Name) Fields {
	return Fields{{"name", Text(name.Key)}, {"database", name.Database}}
}
