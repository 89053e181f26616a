package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/compat/foreign"
)

// mixedFleet are the foreign clients beside which coordd's own wants the same names.
const mixedFleet = "redsync,redis-py-lock"

// mixedCommand is the campaign of kill-leader with a fleet that has not been moved to one
// protocol yet: some of it takes Redis keys, some native locks, all of the same names.
func mixedCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	k := &killLeader{also: judgeProtocols}
	selection := set.String("client", mixedFleet, "the foreign clients to run beside coordd's own, separated by commas (redsync means all of redsync-…)")
	k.addFlags(set, 5)
	return func(ctx context.Context, s *setup) error {
		if s.against != "coordd" {
			return errors.New("only coordd has native locks; leave --against out")
		}
		clients, err := foreign.Select(*selection)
		if err != nil {
			return err
		}
		for _, client := range clients {
			if !client.ComparesHolder {
				return fmt.Errorf("%s frees whoever holds the lock, so it cannot share names with others", client.Name)
			}
		}
		return k.run(ctx, s, append(foreign.Native, clients...))
	}
}

// protocol is how a lock was taken.
type protocol string

const (
	redisKey    protocol = "Redis key"
	nativeLock  protocol = "native lock"
	nativeLease protocol = "native lease"
)

var protocols = []protocol{redisKey, nativeLock, nativeLease}

// protocolOf tells by how the log calls the holder. No library here makes values that begin so.
func protocolOf(hold *committed.Hold) protocol {
	switch {
	case strings.HasPrefix(hold.Holder, "session "):
		return nativeLock
	case strings.HasPrefix(hold.Holder, "lock "):
		return nativeLease
	}
	return redisKey
}

// handOver is from how one holder held a lock to how the next did.
type handOver struct{ from, to protocol }

// judgeProtocols judges what happened between the protocols. That tokens rise and no two hold
// one lock is judged for all alike; here no live session may have been ended, and every way
// from one protocol to another must have been gone, or the campaign has shown nothing.
func judgeProtocols(s *setup, history *committed.History) (violations []string) {
	counts := handOvers(history)
	s.printf("\nHand-overs of one name, from the protocol at the left to that above:\n%-14s", "")
	for _, to := range protocols {
		s.printf(" %12s", to)
	}
	for _, from := range protocols {
		s.printf("\n%-14s", from)
		for _, to := range protocols {
			number := counts[handOver{from, to}]
			s.printf(" %12d", number)
			if number == 0 {
				violations = append(violations, fmt.Sprintf("no %s was followed by a %s: too little happened to judge by", from, to))
			}
		}
	}
	s.printf("\n")
	for _, hold := range history.Holds {
		if hold.Reason == "session_ended" {
			violations = append(violations, fmt.Sprintf("%s: token %d of %s ended with its session, which a living client renews", hold.Lock, hold.Token, hold.Holder))
		}
	}
	return violations
}

// handOvers counts, name by name, which protocol followed which. Each of them was checked to have a larger token than the one before.
func handOvers(history *committed.History) map[handOver]int {
	counts, last := map[handOver]int{}, map[committed.Lock]protocol{}
	for _, hold := range history.Holds {
		next := protocolOf(hold)
		if before, seen := last[hold.Lock]; seen {
			counts[handOver{before, next}]++
		}
		last[hold.Lock] = next
	}
	return counts
}
