package fsm

import "github.com/coordd/coordd/fsm/command"

// goneWaiters remembers why the last waits ended without a grant, for whoever asks just after. It is not state: nothing that Apply does depends on it, and
// a machine that has just been restored knows only what it ran since.
type goneWaiters struct {
	ring    [8192]command.WaiterID
	next    int
	reasons map[command.WaiterID]string
}

func (g *goneWaiters) notice(events []Event) {
	for _, event := range events {
		if event.Type != EventWaiterGone {
			continue
		}
		if g.reasons == nil {
			g.reasons = make(map[command.WaiterID]string)
		}
		if _, told := g.reasons[event.Waiter]; told {
			continue // it waited for several names
		}
		delete(g.reasons, g.ring[g.next])
		g.ring[g.next] = event.Waiter
		g.next = (g.next + 1) % len(g.ring)
		g.reasons[event.Waiter] = event.Reason
	}
}

// reply says why a wait ended, if it is still known.
func (g *goneWaiters) reply(name string, id command.WaiterID) (reply command.Reply, known bool) {
	reason, known := g.reasons[id]
	switch reason {
	case ReasonTimeout:
		return command.Errorf(command.CodeWaitTimeout, "%s was not free in time; the wait %s is over", quote(name), id), true
	case ReasonCancelled:
		return command.Errorf(command.CodeCancelled, "the wait %s for %s was withdrawn", id, quote(name)), true
	case ReasonSessionEnded, ReasonKilled:
		return command.Errorf(command.CodeNoSession, "the session of the wait %s for %s has ended", id, quote(name)), true
	}
	return command.Reply{}, known
}
