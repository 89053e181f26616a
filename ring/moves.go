package ring

import "fmt"

// Reason is why a partition moves.
type Reason uint8

// The reasons.
const (
	Unowned  Reason = iota // nobody owned it, or nobody is there to own it
	Orphaned               // its owner is no member any more
	Leveled                // its owner had more than its share, or the partition was pinned elsewhere
)

// String gives the reason in a word.
func (r Reason) String() string {
	return [...]string{"unowned", "orphaned", "leveled"}[min(r, Leveled)]
}

// Move is one partition whose owner differs between two tables.
type Move struct {
	Partition int
	From, To  string // ids; empty for nobody
	Reason    Reason
}

// String describes a move for people.
func (m Move) String() string {
	return fmt.Sprintf("%d: %s -> %s (%v)", m.Partition, name(m.From), name(m.To), m.Reason)
}

func name(id string) string {
	if id == "" {
		return "nobody"
	}
	return id
}

// Diff lists the moves that lead from one table to another, by rising partition. It fails with [ErrDifferent] unless both have the same number of partitions.
func Diff(from, to *Table) ([]Move, error) {
	if from.partitions != to.partitions {
		return nil, fmt.Errorf("%w: %d and %d; keys would be in other partitions", ErrDifferent, from.partitions, to.partitions)
	}
	renumber := make([]int, len(from.known)) // slots of to
	for slot := range from.known {
		renumber[slot], _ = to.Slot(from.known[slot].ID)
	}
	var moves []Move
	for p := range from.owners {
		old, now := from.OwnerOf(p), to.OwnerOf(p)
		if old == None && now == None || old != None && renumber[old] == now && now != None {
			continue
		}
		move := Move{Partition: p}
		if now != None {
			move.To = to.known[now].ID
		}
		if old != None {
			move.From, move.Reason = from.known[old].ID, Leveled
			if renumber[old] == None {
				move.Reason = Orphaned
			}
		}
		moves = append(moves, move)
	}
	return moves, nil
}
