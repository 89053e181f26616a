package inspect

import (
	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// poolChanges tells what an entry has changed in the tables of pools: who owns which partition. The machine's events only say that a table has changed, since a table is long.
type poolChanges struct {
	machine *fsm.Machine
	known   map[string]command.PoolTable // by pool: what was told of it, as a router would ask for more
}

// followPools begins with what the machine knows already.
func followPools(machine *fsm.Machine) *poolChanges {
	p := &poolChanges{machine: machine, known: map[string]command.PoolTable{}}
	for _, pool := range p.read(command.PoolList{}).Elements {
		p.note(string(member(pool, "name").Text), pool)
	}
	return p
}

func (p *poolChanges) read(op command.Op) command.Reply {
	replies, _ := p.machine.Read(0, []command.Op{op})
	return replies[0]
}

// note remembers the version of a pool that a reply tells.
func (p *poolChanges) note(pool string, reply command.Reply) {
	incarnation, err := command.ParsePosition(string(member(reply, "incarnation").Text))
	if err != nil {
		delete(p.known, pool)
		return
	}
	p.known[pool] = command.PoolTable{Pool: pool, Incarnation: incarnation, Since: uint64(member(reply, "version").Integer)}
}

// after tells the changes of the entry that the machine has just run and that had these events.
func (p *poolChanges) after(events []fsm.Event) (changes []Fields) {
	told := map[string]bool{}
	for _, event := range events {
		pool := event.Name.Key
		if event.Type != fsm.EventPoolChanged || told[pool] {
			continue
		}
		told[pool] = true
		asked := p.known[pool]
		asked.Pool = pool
		table := p.read(asked)
		if table.IsError() {
			delete(p.known, pool)
			continue
		}
		p.note(pool, table)
		rows := member(table, "changes").Elements
		owners := []Fields{}
		for at := 0; at+3 < len(rows); at += 4 {
			owners = append(owners, Fields{{"partition", rows[at].Integer}, {"owner", Text(rows[at+1].Text)}, {"token", rows[at+2].Integer}, {"draining", rows[at+3].Integer == drainingState}})
		}
		if len(owners) > 0 {
			changes = append(changes, Fields{{"pool", Text(pool)}, {"incarnation", string(member(table, "incarnation").Text)}, {"version", member(table, "version").Integer}, {"partitions", owners}})
		}
	}
	return changes
}

// drainingState is the number of that state in a table.
const drainingState = 2

// member finds a value in a map that the machine answered; nil when it is not there.
func member(reply command.Reply, key string) command.Reply {
	for at := 0; at+1 < len(reply.Elements); at += 2 {
		if string(reply.Elements[at].Text) == key {
			return reply.Elements[at+1]
		}
	}
	return command.Nil()
}
