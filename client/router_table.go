package client

import (
	"fmt"
	"math"

	"github.com/coordd/coordd/ring"
	"github.com/coordd/coordd/transport/resp/wire"
)

// RouteState is what a partition is.
type RouteState uint8

// The states, with the numbers of the protocol.
const (
	RouteFree     RouteState = iota // nobody owns it
	RouteOwned                      // Route.Owner serves it
	RouteDraining                   // Route.Owner is to hand it over, and may still serve it
)

// String is the state's name in lower case.
func (s RouteState) String() string {
	switch s {
	case RouteFree:
		return "free"
	case RouteOwned:
		return "owned"
	case RouteDraining:
		return "draining"
	}
	return "unknown"
}

// Member is a worker as routers see it.
type Member struct{ ID, Zone, Address string }

// Route is who owns a partition, as one table says.
type Route struct {
	Partition   int
	Owner       Member // zero: nobody
	Token       uint64 // of the owner, or the last one when there is none
	State       RouteState
	Incarnation string // of the pool
	Version     int64  // of the table
}

// routes is one version of a pool's table. It never changes, so that a lookup takes no lock. The owners stand apart from the rest because a lookup that only needs them then stays in the cache.
type routes struct {
	incarnation string
	version     int64
	owners      []uint16 // by partition: a place in members, and one more; 0 is nobody
	states      []RouteState
	tokens      []uint64
	members     []Member
	roster      int // so many of them are members; those behind have only been seen as owners
}

func (t *routes) route(partition int) Route {
	route := Route{Partition: partition, Token: t.tokens[partition], State: t.states[partition], Incarnation: t.incarnation, Version: t.version}
	if owner := t.owners[partition]; owner != 0 {
		route.Owner = t.members[owner-1]
	}
	return route
}

// change is a row of a table that the cluster told.
type change struct {
	partition int
	owner     string
	token     uint64
	state     RouteState
}

// tableUpdate is a table map: a whole table, or what has changed since a version.
type tableUpdate struct {
	incarnation   string
	partitions    int
	from, version int64
	whole         bool
	staffed       bool // members are told
	members       []Member
	changes       []change
}

// tableUpdateOf reads a table map, and refuses one that no cluster of this protocol sends.
func tableUpdateOf(answer wire.Value) (tableUpdate, error) {
	f := mapOf(answer)
	u := tableUpdate{incarnation: f.text("incarnation"), partitions: int(f.number("partitions")), from: f.number("from"), version: f.number("version"), whole: !f.flag("delta")}
	if u.incarnation == "" || u.partitions < 1 || u.partitions > ring.MaxPartitions || u.version < 1 {
		return u, fmt.Errorf("a pool's table of incarnation %q, %d partitions and version %d makes no sense", u.incarnation, u.partitions, u.version)
	}
	workers, _ := answer.Lookup("workers")
	if u.staffed = workers.Type == wire.Array; u.staffed {
		for at := 0; at+2 < len(workers.Elements); at += 3 {
			u.members = append(u.members, Member{ID: string(workers.Elements[at].Text), Zone: string(workers.Elements[at+1].Text), Address: string(workers.Elements[at+2].Text)})
		}
	}
	rows := f.list("changes")
	for at := 0; at+3 < len(rows); at += 4 {
		partition, _ := rows[at].Int()
		token, _ := rows[at+2].Int()
		state, _ := rows[at+3].Int()
		if partition < 0 || partition >= int64(u.partitions) || token < 0 || state < 0 || state > int64(RouteDraining) {
			return u, fmt.Errorf("a row of a pool's table tells partition %d of %d, token %d, state %d", partition, u.partitions, token, state)
		}
		u.changes = append(u.changes, change{partition: int(partition), owner: string(rows[at+1].Text), token: uint64(token), state: RouteState(state)})
	}
	return u, nil
}

// next is the table after an update, which must continue it.
func (t *routes) next(u tableUpdate) (*routes, error) {
	made := &routes{incarnation: u.incarnation, version: u.version, owners: make([]uint16, u.partitions), states: make([]RouteState, u.partitions), tokens: make([]uint64, u.partitions)}
	slots := map[string]uint16{}
	slot := func(m Member) (uint16, error) {
		if place, known := slots[m.ID]; known {
			return place, nil
		}
		if len(made.members) == math.MaxUint16 {
			return 0, fmt.Errorf("a pool with more than %d workers", math.MaxUint16)
		}
		made.members = append(made.members, m)
		slots[m.ID] = uint16(len(made.members))
		return uint16(len(made.members)), nil
	}
	roster := t.members[:t.roster]
	if u.staffed {
		roster = u.members
	}
	for _, m := range roster {
		if _, err := slot(m); err != nil {
			return nil, err
		}
	}
	made.roster = len(made.members)
	if !u.whole {
		copy(made.states, t.states)
		copy(made.tokens, t.tokens)
		for partition, owner := range t.owners {
			if owner == 0 {
				continue
			}
			place, err := slot(t.members[owner-1])
			if err != nil {
				return nil, err
			}
			made.owners[partition] = place
		}
	}
	for _, row := range u.changes {
		made.states[row.partition], made.tokens[row.partition], made.owners[row.partition] = row.state, row.token, 0
		if row.owner == "" {
			continue
		}
		place, err := slot(Member{ID: row.owner})
		if err != nil {
			return nil, err
		}
		made.owners[row.partition] = place
	}
	return made, nil
}
