package inspect

import (
	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/ring"
)

// The words of the kinds of worker pools; see kindNames.
func init() {
	for kind, name := range map[command.Kind]string{
		command.KindPoolCreate:      "pool_create",
		command.KindPoolAlter:       "pool_alter",
		command.KindPoolDelete:      "pool_delete",
		command.KindPoolJoin:        "pool_join",
		command.KindPoolLeave:       "pool_leave",
		command.KindPoolAcknowledge: "pool_acknowledge",
		command.KindPoolEvict:       "pool_evict",
		command.KindPoolPin:         "pool_pin",
		command.KindPoolList:        "pool_list",
		command.KindPoolInfo:        "pool_info",
		command.KindPoolTable:       "pool_table",
		command.KindPoolAssignment:  "pool_assignment",
		command.KindPoolExplain:     "pool_explain",
	} {
		kindNames[kind] = name
	}
}

// describePool tells the ops of worker pools.
func describePool(op command.Op) (fields Fields, known bool) {
	switch o := op.(type) {
	case command.PoolCreate:
		return append(Fields{{"pool", Text(o.Pool)}, {"partitions", o.Partitions}}, poolSettings(o.Settings, command.PoolZones|command.PoolDebounce|command.PoolDrain|command.PoolMoves)...), true
	case command.PoolAlter:
		return append(Fields{{"pool", Text(o.Pool)}}, poolSettings(o.Settings, o.Fields)...), true
	case command.PoolDelete:
		return Fields{{"pool", Text(o.Pool)}, {"incarnation", position(o.Incarnation)}}, true
	case command.PoolJoin:
		return append(poolMember(o.Member), Fields{{"weight", o.Weight}, {"zone", Text(o.Zone)}, {"address", Text(o.Address)}, {"grace_ms", o.Grace}, {"takeover", position(o.Old)}}...), true
	case command.PoolLeave:
		return append(poolMember(o.Member), Field{"restart_ms", o.Restart}), true
	case command.PoolAcknowledge:
		releases := make([]Fields, len(o.Releases))
		for i, r := range o.Releases {
			releases[i] = Fields{{"partition", r.Partition}, {"token", r.Token}}
		}
		return append(poolMember(o.Member), Field{"releases", releases}), true
	case command.PoolEvict:
		return Fields{{"pool", Text(o.Pool)}, {"worker", Text(o.Worker)}, {"why", Text(o.Reason)}, {"actor", Text(o.Actor)}, {"now", o.Now}}, true
	case command.PoolPin:
		return Fields{{"pool", Text(o.Pool)}, {"partition", o.Partition}, {"worker", Text(o.Worker)}}, true
	case command.PoolList:
		return nil, true
	case command.PoolInfo:
		return Fields{{"pool", Text(o.Pool)}}, true
	case command.PoolTable:
		return Fields{{"pool", Text(o.Pool)}, {"since", o.Since}, {"incarnation", position(o.Incarnation)}}, true
	case command.PoolAssignment:
		return poolMember(o.Member), true
	case command.PoolExplain:
		return Fields{{"pool", Text(o.Pool)}, {"key", Text(o.Key)}}, true
	}
	return nil, false
}

func poolMember(m command.PoolMember) Fields {
	return Fields{{"pool", Text(m.Pool)}, {"worker", Text(m.Worker)}, {"session", position(m.Session)}}
}

// poolSettings tells the settings that an op gives.
func poolSettings(s command.PoolSettings, given command.PoolField) (fields Fields) {
	for _, setting := range []struct {
		field command.PoolField
		name  string
		value any
	}{
		{command.PoolZones, "zones", ring.Zones(s.Zones).String()}, {command.PoolDebounce, "debounce_ms", s.Debounce},
		{command.PoolDrain, "drain_ms", s.Drain}, {command.PoolMoves, "moves", s.Moves},
	} {
		if given&setting.field != 0 {
			fields = append(fields, Field{setting.name, setting.value})
		}
	}
	return fields
}

// poolEvent tells which pool changed, and to which version, or which worker of it.
func poolEvent(event fsm.Event) Fields {
	fields := Fields{{"pool", Text(event.Name.Key)}}
	if event.Version != 0 {
		fields = append(fields, Field{"version", event.Version})
	}
	if event.Type == fsm.EventPoolWorker {
		fields = append(fields, Field{"worker", Text(event.Holder)})
	}
	return fields
}
