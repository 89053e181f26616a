package fsm

import (
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// poolOp reads the pool commands of a transcript:
//
//	pool P n= [zones= debounce= drain= moves=] · alter P [zones= debounce= drain= moves=] · delete P · join P W session= [weight= zone= grace= old=] · leave P W session= [restart=] ·
//	ack P W session= PARTITION:TOKEN … · evict P W [now=1] · pin P PARTITION [W] · pools · about P · table P [since=] · assignment P W session= · explain P KEY
//
// Where drain= is left out it is 1000 ms.
func (s *story) poolOp(t *testing.T, words []string) (op command.Op, known bool) {
	number := func(key string, otherwise int64) int64 {
		if text := option(words, key); text != "" {
			return mustInt(t, text)
		}
		return otherwise
	}
	pool, second := "", ""
	if len(words) > 1 {
		pool = words[1]
	}
	if len(words) > 2 && !strings.Contains(words[2], "=") {
		second = words[2]
	}
	record, _ := s.m.state.pools.get(pool)
	settings := command.PoolSettings{Zones: uint8(number("zones", 0)), Debounce: number("debounce", 0), Drain: number("drain", 1000), Moves: uint32(number("moves", 0))}
	member := command.PoolMember{Pool: pool, Worker: second, Session: s.sessions[option(words, "session")], SecretHash: scenarioSecret}
	switch words[0] {
	case "pool":
		return command.PoolCreate{Pool: pool, Partitions: uint32(number("n", 0)), Settings: settings}, true
	case "alter":
		var fields command.PoolField
		for i, key := range []string{"zones", "debounce", "drain", "moves"} {
			if option(words, key) != "" {
				fields |= 1 << i
			}
		}
		return command.PoolAlter{Pool: pool, Fields: fields, Settings: settings}, true
	case "delete":
		return command.PoolDelete{Pool: pool, Incarnation: record.incarnation}, true
	case "join":
		op := command.PoolJoin{Member: member, Weight: uint32(number("weight", 1)), Zone: option(words, "zone"), Grace: number("grace", 0), Old: s.sessions[option(words, "old")]}
		if !op.Old.IsZero() {
			op.OldSecretHash = scenarioSecret
		}
		return op, true
	case "leave":
		return command.PoolLeave{Member: member, Restart: number("restart", 0)}, true
	case "ack":
		op := command.PoolAcknowledge{Member: member}
		for _, word := range words[3:] {
			if partition, token, found := strings.Cut(word, ":"); found {
				op.Releases = append(op.Releases, command.Release{Partition: uint32(mustInt(t, partition)), Token: command.Token(mustInt(t, token))})
			}
		}
		return op, true
	case "evict":
		return command.PoolEvict{Pool: pool, Worker: second, Reason: "story", Actor: "operator", Now: number("now", 0) == 1}, true
	case "pin":
		op := command.PoolPin{Pool: pool, Partition: uint32(mustInt(t, second))}
		if len(words) > 3 {
			op.Worker = words[3]
		}
		return op, true
	case "pools":
		return command.PoolList{}, true
	case "about":
		return command.PoolInfo{Pool: pool}, true
	case "table":
		return command.PoolTable{Pool: pool, Since: uint64(number("since", 0)), Incarnation: record.incarnation}, true
	case "assignment":
		return command.PoolAssignment{Member: member}, true
	case "explain":
		return command.PoolExplain{Pool: pool, Key: second}, true
	}
	return nil, false
}
