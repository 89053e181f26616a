package raftnode

import (
	"math"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// Frames and entries are cut by what ops are said to need at most, so none may need more, whatever a door lets through.
func TestOpsNeedNoMoreThanTheySay(t *testing.T) {
	long, secret, position := strings.Repeat("x", 5000), [32]byte{1}, command.Position{Index: math.MaxUint64, Offset: math.MaxUint32}
	member := command.PoolMember{Pool: long, Worker: long, Session: position, SecretHash: secret}
	settings := command.PoolSettings{Debounce: math.MaxInt64, Drain: math.MaxInt64, Moves: math.MaxUint32}
	releases := make([]command.Release, 4096)
	for i := range releases {
		releases[i] = command.Release{Partition: math.MaxUint32, Token: math.MaxUint64}
	}
	request := command.Request{Session: position, Number: math.MaxUint64, LowWater: math.MaxUint64}
	for _, op := range []command.Op{
		command.PoolCreate{Pool: long, Partitions: math.MaxUint32, Settings: settings}, command.PoolAlter{Pool: long, Settings: settings},
		command.PoolDelete{Pool: long, Incarnation: position}, command.PoolJoin{Member: member, Weight: math.MaxUint32, Zone: long, Address: long, Grace: math.MaxInt64, Old: position},
		command.PoolLeave{Member: member, Restart: math.MaxInt64}, command.PoolAcknowledge{Member: member, Releases: releases},
		command.PoolEvict{Pool: long, Worker: long, Reason: long, Actor: long}, command.PoolPin{Pool: long, Partition: math.MaxUint32, Worker: long}, command.PoolList{},
		command.PoolInfo{Pool: long}, command.PoolTable{Pool: long, Since: math.MaxUint64, Incarnation: position}, command.PoolAssignment{Member: member},
		command.PoolExplain{Pool: long, Key: long},
		command.SessionOpenEarly{SecretHash: secret, TTLMilliseconds: math.MaxInt64, ClientName: long, Metadata: []byte(long), EarlyMilliseconds: math.MaxInt64},
		command.SessionEndEarly{Session: position, Renewed: math.MaxInt64},
	} {
		if said, needed := opBytes(op), len(command.AppendCommand(nil, command.Command{Request: request, Lane: math.MaxUint64, Op: op})); needed > said {
			t.Errorf("%T needs %d bytes and says %d", op, needed, said)
		}
	}
}
