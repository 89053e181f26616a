package resp

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/transporttest"
)

// ended is a node that has ended while its door is still open: it waits for no event any more, and has none.
type ended struct {
	*transporttest.Node
	asked atomic.Int64
}

func (e *ended) Events(_ context.Context, after command.Position, _ int, _ func(*fsm.Event) bool, _ bool) (transport.EventPage, error) {
	e.asked.Add(1)
	return transport.EventPage{Next: after}, nil
}

// Whoever follows the events of a node must not ask it again and again when it has ended: that is a processor at work for nothing, until the door closes.
func TestAnEndedNodeIsNotAskedAgainAndAgain(t *testing.T) {
	for what, request := range map[string]func(client *guest){
		"losses": func(client *guest) { client.do("SESSION.RENEW " + client.session("PX 10000")) },
		"events": func(client *guest) { client.do("EVENTS.SUBSCRIBE $") },
	} {
		node := &ended{Node: transporttest.NewFrozenNode()}
		client := openDoorOver(t, node.Node, func(config *Config) { config.Node = node }).dial()
		client.do("HELLO 3")
		request(client)
		eventually(t, what+" are followed", func() bool { return node.asked.Load() > 0 })
		time.Sleep(50 * time.Millisecond)
		if asked := node.asked.Load(); asked > 1 {
			t.Errorf("it was asked for %s %d times", what, asked)
		}
	}
}

// restored is a node whose state is replaced by that of a snapshot, after which no command runs for a while.
type restored struct {
	*transporttest.Node
	log     *transport.EventLog
	applied atomic.Uint64 // behind what the node itself has run
	asked   atomic.Int64
}

func (r *restored) Status() transport.Status {
	status := r.Node.Status()
	status.AppliedIndex += r.applied.Load()
	return status
}

func (r *restored) Events(ctx context.Context, after command.Position, most int, wanted func(*fsm.Event) bool, wait bool) (transport.EventPage, error) {
	r.asked.Add(1)
	return r.log.Read(ctx, after, most, wanted, wait)
}

// Whoever follows losses goes on behind the snapshot. Going on at it would be too early again, and again, until the next command.
func TestARestoredNodeIsNotAskedAgainAndAgain(t *testing.T) {
	node := &restored{Node: transporttest.NewFrozenNode(), log: transport.NewEventLog()}
	client := openDoorOver(t, node.Node, func(config *Config) { config.Node = node }).dial()
	client.do("HELLO 3")
	client.do("SESSION.RENEW " + client.session("PX 10000"))
	eventually(t, "losses are followed", func() bool { return node.asked.Load() == 1 })
	time.Sleep(50 * time.Millisecond) // until it waits
	node.applied.Store(100)
	node.log.Restart(node.Status().AppliedIndex)
	eventually(t, "it goes on", func() bool { return node.asked.Load() > 1 })
	time.Sleep(50 * time.Millisecond)
	if asked := node.asked.Load(); asked != 2 {
		t.Errorf("after the snapshot it was asked %d times", asked-1)
	}
}
