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
