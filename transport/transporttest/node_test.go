package transporttest

import (
	"context"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

func run(t *testing.T, n *Node, op command.Op) command.Reply {
	t.Helper()
	replies, err := n.Execute(context.Background(), n.OpenLane(), []command.Op{op})
	if err != nil || len(replies) != 1 {
		t.Fatalf("%d replies, %v", len(replies), err)
	}
	return replies[0]
}

func TestKeysExpireWithTheClock(t *testing.T) {
	n := NewFrozenNode()
	key := command.Name{Key: "job"}
	run(t, n, command.Set{Name: key, Value: []byte("me"), Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 1000}})
	n.Advance(999 * time.Millisecond)
	if got := run(t, n, command.Get{Name: key}); string(got.Text) != "me" {
		t.Errorf("before its end: %+v", got)
	}
	n.Advance(time.Millisecond)
	if got := run(t, n, command.Get{Name: key}); !got.IsNil() {
		t.Errorf("at its end: %+v", got)
	}
}

func TestReadsTakeNoEntry(t *testing.T) {
	n := NewFrozenNode()
	before := n.Entries()
	run(t, n, command.Get{Name: command.Name{Key: "job"}})
	run(t, n, command.Time{})
	if after := n.Entries(); after != before {
		t.Errorf("%d entries for two reads", after-before)
	}
}

func TestAwaitOnAClockThatRuns(t *testing.T) {
	n := NewNode()
	run(t, n, command.LockAcquire{Name: "job", TTLMilliseconds: 60})
	acquire := func(wait int64) command.WaiterID {
		reply := run(t, n, command.LockAcquire{Name: "job", TTLMilliseconds: 5000, WaitMilliseconds: wait})
		for i := 0; i+1 < len(reply.Elements); i += 2 {
			if string(reply.Elements[i].Text) == "waiter" {
				id, err := command.ParsePosition(string(reply.Elements[i+1].Text))
				if err != nil {
					t.Fatal(err)
				}
				return id
			}
		}
		t.Fatalf("no waiter in %+v", reply)
		return command.WaiterID{}
	}
	first, second := acquire(10_000), acquire(100)
	if reply, err := n.Await(context.Background(), "job", first); err != nil || reply.Type != command.ReplyMap {
		t.Errorf("the first in line: %+v, %v", reply, err)
	}
	if reply, err := n.Await(context.Background(), "job", second); err != nil || reply.Code != command.CodeWaitTimeout {
		t.Errorf("the second: %+v, %v", reply, err)
	}
}
