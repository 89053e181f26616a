package ring

import "fmt"

// Option changes how [New] and [Empty] make a table.
type Option func(*Table)

// WithPartitions sets the number of partitions, 1 to [MaxPartitions]; without it there are [DefaultPartitions]. It decides where every key belongs, so it
// stays as it is for the life of the data. Twenty for each member that there will ever be keep everybody within 5 % of the mean.
func WithPartitions(n int) Option { return func(t *Table) { t.partitions = uint64(n) } }

// WithZones sets the rule for zones; without it they are ignored.
func WithZones(rule Zones) Option { return func(t *Table) { t.zones = rule } }

// New places members from nothing. The same members give the same table in every program, in whatever order they are named.
//
// It fails as [Table.Next] does, with [ErrPartitions] or [ErrZone] for a bad option, and with [ErrTooManyMembers] when there are more members than
// partitions: a ring in which some own nothing is a mistake in its making.
//
// To change a ring, call [Table.Next] on it. Two programs that call New again for the changed members instead agree with each other without having talked,
// but more moves than must: DESIGN.md has the figures.
func New(members []Member, options ...Option) (*Table, error) {
	empty, err := Empty(options...)
	if err != nil {
		return nil, err
	}
	if len(members) > empty.Partitions() {
		return nil, fmt.Errorf("%w: %d for %d partitions; some would own nothing", ErrTooManyMembers, len(members), empty.Partitions())
	}
	return empty.next(members, nil, MaxPartitions*MaxMembers)
}

// Empty is a table without members. It fails with [ErrPartitions] or [ErrZone] for a bad option.
func Empty(options ...Option) (*Table, error) {
	t := &Table{partitions: DefaultPartitions}
	for _, option := range options {
		option(t)
	}
	if t.partitions < 1 || t.partitions > MaxPartitions {
		return nil, fmt.Errorf("%w: %d, it must be 1 to %d", ErrPartitions, int64(t.partitions), MaxPartitions)
	}
	if t.zones > ZonesEven {
		return nil, fmt.Errorf("%w: there is no rule %d", ErrZone, t.zones)
	}
	t.owners, t.last = make([]uint16, t.partitions), make([]uint16, t.partitions)
	for p := range t.owners {
		t.owners[p], t.last[p] = nobody, nobody
	}
	return t, nil
}
