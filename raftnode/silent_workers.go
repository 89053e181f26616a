package raftnode

import (
	"context"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/gossip"
)

// A worker that takes part in the gossip may be missed there long before its session is over. That is a reason for the leader to look at the session sooner, and nothing more: what ends it, if it agreed
// to that when it was opened, is that it has not been renewed for as long as it agreed to. The machine judges that again, in the log. So nothing that gossip says, by mistake or by a lie, ends a session
// that is renewed, or one that did not agree; and gossip that is cut off only makes the end as late as the TTL.
//
// An entry is written only about a session that the leader itself sees silent for long enough, which it then ends. A liar thus costs the log nothing but ends that were due.
const (
	doubtInterval = 200 * time.Millisecond
	// doubtAgain is when a session is proposed for an early end again whose end was not seen, since the proposal may have been lost.
	doubtAgain = 2 * time.Second
	// maxDoubts bounds how many early ends are proposed at one look.
	maxDoubts = 64
	// wordHolds is how long a silence must have lasted. This node may have told the worker that it hears it until then, and a worker counts with such a word for 250 ms from when it asked.
	wordHolds = 300 * time.Millisecond
)

// doubts are the sessions that the leader has proposed to end, in one reign.
type doubts struct {
	earlyEnd func(command.SessionID) (renewed, due command.Instant, ok bool)
	proposed map[command.SessionID]time.Time
}

// doubtWorkers looks at the workers that the gossip misses, for as long as the reign lasts.
func (n *Node) doubtWorkers(ctx context.Context, r *reign) {
	d := doubts{earlyEnd: n.machine.EarlyEnd, proposed: make(map[command.SessionID]time.Time)}
	ticker := time.NewTicker(doubtInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		var parcels []*parcel
		for _, op := range d.look(n.gossip.Workers(), r.clock.now(), time.Now()) {
			parcels = append(parcels, newParcel([]command.Command{{Op: op}}, false, func(outcome result) { n.tellEarlyEnd(op, outcome) }))
		}
		if len(parcels) > 0 {
			r.proposer.submit(parcels)
		}
	}
}

// look says which sessions to end: those of workers that gossip misses, that agreed to it, and that have been silent for long enough by the leader's clock.
func (d *doubts) look(workers []gossip.Member, clock command.Instant, now time.Time) (ends []command.SessionEndEarly) {
	missed := missedSessions(workers, now)
	for id := range d.proposed {
		if !missed[id] {
			delete(d.proposed, id)
		}
	}
	for _, worker := range workers { // in their order, since not all may be looked at
		id, err := command.ParsePosition(worker.Worker.Session)
		if err != nil || !missed[id] || len(ends) == maxDoubts {
			continue
		}
		delete(missed, id) // another member may name it too
		renewed, due, agreed := d.earlyEnd(id)
		if last, asked := d.proposed[id]; !agreed || clock < due || asked && now.Sub(last) < doubtAgain {
			continue
		}
		d.proposed[id] = now
		ends = append(ends, command.SessionEndEarly{Session: id, Renewed: renewed})
	}
	return ends
}

// missedSessions are those that a worker names which has been silent for a moment, and no other. A worker that left said so, and closes its session itself.
func missedSessions(workers []gossip.Member, now time.Time) map[command.SessionID]bool {
	missed := make(map[command.SessionID]bool)
	for _, worker := range workers {
		id, err := command.ParsePosition(worker.Worker.Session)
		if err != nil || worker.State == gossip.Left {
			continue
		}
		silent := (worker.State == gossip.Dead || worker.State == gossip.Suspect) && now.Sub(worker.Since) >= wordHolds
		before, named := missed[id]
		missed[id] = silent && (before || !named)
	}
	return missed
}

// tellEarlyEnd notes what became of a proposal.
func (n *Node) tellEarlyEnd(op command.SessionEndEarly, outcome result) {
	if outcome.fate != fateDone || len(outcome.replies) == 0 || len(outcome.replies[0].Elements) < 4 {
		return
	}
	if outcome.replies[0].Elements[3].Integer == 1 {
		n.log.Info("a session ended early, as it agreed to: gossip misses its worker, and it was not renewed", "session", op.Session.String(), "renewed_ms", int64(op.Renewed))
	}
}
