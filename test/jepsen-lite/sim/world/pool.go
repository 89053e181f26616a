package world

import (
	"maps"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// poolRecord is who owned which partition from when to when, by the log.
type poolRecord struct {
	parts [poolPartitions][]*tenure
	staff map[string]command.SessionID // of each worker that joined
	taken []taking
}

// tenure is the time for which a partition was a worker's, or with an empty worker nobody's.
type tenure struct {
	worker       string
	token        command.Token
	began, ended moment // ended is zero while it lasts
}

// taking is the end of a tenure that the worker did not wish: its session must have been over.
type taking struct {
	partition int
	worker    string
	session   command.SessionID
	at        moment
}

func newPoolRecord() poolRecord { return poolRecord{staff: make(map[string]command.SessionID)} }

// followPool notes what an entry changed in the pool. The table of the machine that was never restarted is asked; that others have the same is checked elsewhere.
func (r *record) followPool(index uint64, commands []command.Command, applied fsm.Applied, at moment) {
	changed := false
	joined := make(map[string]command.SessionID)
	for _, event := range applied.Events {
		changed = changed || event.Type == fsm.EventPoolChanged
		if event.Type == fsm.EventPoolWorker && event.Reason == "joined" {
			joined[event.Holder] = event.Session
		}
	}
	defer maps.Copy(r.pool.staff, joined) // afterwards: who has lost something in this entry had it before
	if !changed {
		return
	}
	answers, _ := r.twin.Read(r.twin.Now(), []command.Op{command.PoolTable{Pool: poolName}})
	if answers[0].IsError() {
		return
	}
	for partition, owner := range ownersOf(answers[0]) {
		r.followPartition(index, partition, owner, commands, at)
	}
}

// ownersOf reads a whole table. Partitions that were never owned have a zero token.
func ownersOf(table command.Reply) (owners [poolPartitions]tenure) {
	changes := value(table, "changes").Elements
	for i := 0; i+3 < len(changes); i += 4 {
		if partition := changes[i].Integer; partition >= 0 && partition < poolPartitions {
			owners[partition] = tenure{worker: string(changes[i+1].Text), token: command.Token(changes[i+2].Integer)}
		}
	}
	return owners
}

// followPartition notes a change of one partition.
func (r *record) followPartition(index uint64, partition int, now tenure, commands []command.Command, at moment) {
	list := r.pool.parts[partition]
	var before tenure
	if len(list) > 0 {
		last := list[len(list)-1]
		before = *last
		if before.worker == now.worker && (before.token == now.token || now.worker == "") {
			return
		}
		last.ended = at
		if last.worker != "" {
			r.checkHandOver(partition, last, commands, at)
		}
	} else if now.worker == "" {
		return
	}
	if now.worker != "" && now.token != r.base+command.Token(index) {
		r.world.violate(partitions, "partition %d was granted to %q at index %d with token %d", partition, now.worker, index, now.token)
	}
	if now.worker != "" && now.token <= before.token {
		r.world.violate(partitions, "the tokens of partition %d went from %d to %d at index %d", partition, before.token, now.token, index)
	}
	r.pool.parts[partition] = append(list, &tenure{worker: now.worker, token: now.token, began: at})
}

// checkHandOver looks for the wish of the worker that lost a partition, or of the operator. Without one its session must have ended, which is judged when everything is known.
func (r *record) checkHandOver(partition int, lost *tenure, commands []command.Command, at moment) {
	for _, c := range commands {
		switch op := c.Op.(type) {
		case command.PoolAcknowledge:
			for _, release := range op.Releases {
				if op.Member.Worker == lost.worker && int(release.Partition) == partition && release.Token == lost.token {
					return
				}
			}
		case command.PoolLeave:
			if op.Member.Worker == lost.worker && op.Restart > 0 {
				return
			}
		case command.PoolEvict:
			if op.Worker == lost.worker && op.Now && op.Actor == evictor {
				return
			}
		}
	}
	r.pool.taken = append(r.pool.taken, taking{partition, lost.worker, r.pool.staff[lost.worker], at})
}

// judgePool wants workers to have lost only what they gave back or what their sessions' ends took, and everybody to have been told what was so.
func (w *world) judgePool() {
	promised := make(map[command.SessionID]time.Duration)
	for _, one := range w.history.renewals {
		if one.name == (command.Name{}) {
			promised[one.session] = max(promised[one.session], one.until)
		}
	}
	for _, one := range w.record.pool.taken {
		if until := promised[one.session]; one.at.at < until && !w.record.closed[one.session] {
			w.violate(partitions, "partition %d was taken from worker %q at %s, whose session %s had been promised until %s at least", one.partition, one.worker, one.at.at, one.session, until)
		}
	}
	for _, one := range w.history.owned {
		if !w.record.pool.wasTrue(one) {
			w.violate(partitions, "it was told between %s and %s that partition %d was that of %q with token %d, which was not so at any moment between", one.asked.at, one.answer.at, one.partition, one.worker, one.token)
		}
	}
	w.counts["partitions told"] = len(w.history.owned)
	for _, list := range w.record.pool.parts {
		w.counts["partitions granted"] += len(list)
	}
}

// wasTrue reports whether somebody was told what was so at some moment between question and answer.
func (p *poolRecord) wasTrue(one ownership) bool {
	list := p.parts[one.partition]
	if one.worker == "" && (len(list) == 0 || list[0].began.order >= one.asked.order) {
		return true // nobody had it yet
	}
	for _, t := range list {
		lasted := t.ended == moment{} || t.ended.order >= one.asked.order
		if t.worker == one.worker && (t.token == one.token || one.worker == "") && t.began.mayPrecede(one.answer) && lasted {
			return true
		}
	}
	return false
}
