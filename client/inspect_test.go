package client

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// array appends an array of values that are spelled already.
func array(values ...[]byte) []byte {
	to := wire.AppendArrayHeader(nil, len(values))
	for _, value := range values {
		to = append(to, value...)
	}
	return to
}

func TestInfo(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		cluster.answer("LOCK.INFO", func([]string) []byte {
			return appendPairs("name", "slots", "state", "held", "mode", "semaphore", "token", int64(90), "limit", int64(5), "used", int64(3), "queued", int64(1), "now_ms", int64(10_000),
				"deadline_ms", int64(12_000), "remaining_ms", int64(2000), "reserved", "", "until_ms", int64(0), "holders_total", int64(1), "from the future", "x",
				"holders", array(appendPairs("session", "8-0", "owner", "o", "client", "worker", "waiter", "80-0", "token", int64(90), "mode", "semaphore", "permits", int64(3), "count", int64(1),
					"held_ms", int64(500), "waited_ms", int64(20), "remaining_ms", int64(2000), "until_ms", int64(10_700), "meta", "m", "kept", "unacknowledged")),
				"waiters", array(appendPairs("session", "9-0", "owner", "p", "client", "other", "waiter", "91-0", "mode", "semaphore", "permits", int64(4), "queued", int64(1), "since_ms", int64(9_000), "meta", "n")))
		})
		info, err := c.Info(t.Context(), "slots")
		want := LockInfo{Name: "slots", State: "held", Mode: ModeSemaphore, Token: 90, Limit: 5, Used: 3, Queued: 1, Remaining: 2 * time.Second, HoldersAll: 1,
			Holders: []Holder{{Session: "8-0", Owner: "o", Client: "worker", ID: "80-0", Token: 90, Mode: ModeSemaphore, Permits: 3, Count: 1, Held: 500 * time.Millisecond,
				Waited: 20 * time.Millisecond, Remaining: 2 * time.Second, MaxHold: 700 * time.Millisecond, Metadata: "m", Kept: "unacknowledged"}},
			Waiters: []Waiter{{Session: "9-0", Owner: "p", Client: "other", ID: "91-0", Mode: ModeSemaphore, Permits: 4, Place: 1, Waiting: time.Second, Metadata: "n"}}}
		if err != nil || !reflect.DeepEqual(info, want) {
			t.Errorf("got %+v, %v\nwant %+v", info, err, want)
		}
	})
}

func TestHistory(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		cluster.answer("LOCK.HISTORY", func(words []string) []byte {
			if fmt.Sprint(words[1:]) != "[job COUNT 2]" {
				t.Errorf("asked for %v", words)
			}
			return array(appendPairs("token", int64(9), "waiter", "8-0", "mode", "exclusive", "permits", int64(1), "session", "7-0", "owner", "o", "client", "worker", "meta", "m",
				"waited_ms", int64(10), "held_ms", int64(20), "reason", "forced", "actor", "ann", "why", "stuck"))
		})
		past, err := c.History(t.Context(), "job", 2)
		want := []PastHolder{{Token: 9, ID: "8-0", Mode: ModeExclusive, Permits: 1, Session: "7-0", Owner: "o", Client: "worker", Metadata: "m", Waited: 10 * time.Millisecond,
			Held: 20 * time.Millisecond, Reason: "forced", Actor: "ann", Why: "stuck"}}
		if err != nil || !slices.Equal(past, want) {
			t.Errorf("got %+v, %v", past, err)
		}
	})
}

// Lists go on from page to page, stop when the caller has enough, and end with an error when a page cannot be read.
func TestListsHavePages(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		var asked []string
		page := func(words []string) []byte {
			asked = append(asked, strings.Join(words[1:], " "))
			cursor := optionOf(words, "CURSOR")
			if cursor == "two" {
				return wire.AppendError(nil, "ERR no such page")
			}
			next := map[string]string{"": "one", "one": "two"}[cursor]
			return appendPairs("cursor", next, "position", "5-0", "now_ms", int64(1000),
				"locks", array(appendPairs("name", "a"+cursor, "reserved", "delay", "until_ms", int64(1500), "holder", "somebody"), appendPairs("name", "b"+cursor)),
				"sessions", array(appendPairs("session", "s"+cursor, "client", "worker", "ttl_ms", int64(9000), "holds_total", int64(2), "node", int64(1))))
		}
		cluster.answer("LOCK.LIST", page)
		cluster.answer("SESSION.LIST", page)
		var names []string
		for lock, err := range c.Locks(t.Context(), ListOptions{Match: "*", All: true, Count: 2}) {
			if err != nil {
				names = append(names, err.Error())
				continue
			}
			names = append(names, lock.Name)
			if lock.Name == "a" && (lock.ReservedFor != 500*time.Millisecond || lock.Holder != "somebody") {
				t.Errorf("got %+v", lock)
			}
		}
		if fmt.Sprint(names) != "[a b aone bone ERR no such page]" {
			t.Errorf("got %v", names)
		}
		if fmt.Sprint(asked) != "[COUNT 2 MATCH * ALL CURSOR one COUNT 2 MATCH * ALL CURSOR two COUNT 2 MATCH * ALL]" {
			t.Errorf("asked %v", asked)
		}
		for one, err := range c.Sessions(t.Context(), ListOptions{}) {
			if err != nil || one.ID != "s" || one.Client != "worker" || one.TTL != 9*time.Second || one.Holds != 2 || !one.Node {
				t.Errorf("got %+v, %v", one, err)
			}
			break
		}
		first, err := c.LocksPage(t.Context(), ListOptions{})
		if err != nil || first.Position != "5-0" || first.Cursor != "one" || len(first.Locks) != 2 {
			t.Errorf("got %+v, %v", first, err)
		}
	})
}

func TestSessionInfo(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		cluster.answer("SESSION.INFO", func([]string) []byte {
			return appendPairs("session", "8-0", "remaining_ms", int64(700), "killed", "stuck", "now_ms", int64(1000), "waits_total", int64(1),
				"holds", array(appendPairs("name", "job", "waiter", "80-0", "mode", "exclusive", "token", int64(5), "count", int64(2), "since_ms", int64(400))),
				"waits", array(appendPairs("name", "other", "waiter", "81-0", "queued", int64(3))))
		})
		info, err := c.SessionInfo(t.Context(), "8-0")
		want := SessionInfo{ID: "8-0", Remaining: 700 * time.Millisecond, Killed: "stuck", Waits: 1,
			Held:    []SessionHold{{Name: "job", ID: "80-0", Mode: ModeExclusive, Token: 5, Count: 2, Held: 600 * time.Millisecond}},
			Waiting: []SessionWait{{Name: "other", ID: "81-0", Place: 3}}}
		if err != nil || !reflect.DeepEqual(info, want) {
			t.Errorf("got %+v, %v", info, err)
		}
	})
}

func TestCheck(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		held := mustTry(t, session, "job")
		cluster.answer("FENCE.CHECK", func(words []string) []byte {
			var checks [][]byte
			for i := 1; i < len(words); i += 2 {
				valid, state := int64(0), "stale"
				if words[i+1] == held.ID() {
					valid, state = 1, "current"
				}
				checks = append(checks, appendPairs("name", words[i], "valid", valid, "state", state, "token", int64(99), "remaining_ms", int64(5)))
			}
			return array(checks...)
		})
		checked, err := c.Check(t.Context(), Hold{Name: "job", ID: held.ID()}, Hold{Name: "job", Token: 3})
		if err != nil || !checked[0].Valid || checked[1].Valid || checked[1].State != "stale" || checked[1].Token != 99 {
			t.Errorf("got %+v, %v", checked, err)
		}
		if err := held.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if none, err := c.Check(t.Context()); err != nil || none != nil {
			t.Errorf("got %v, %v", none, err)
		}
		cluster.answer("FENCE.CHECK", func([]string) []byte { return array() })
		if err := held.Check(t.Context()); err == nil {
			t.Error("an answer without checks counts as valid")
		}
		mustRelease(t, held)
	})
}
