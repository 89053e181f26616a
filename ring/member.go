package ring

import (
	"fmt"
	"slices"
	"strings"
)

// The limits of a table.
const (
	DefaultPartitions = 4096    // partitions of a table whose maker does not say: enough for 204 members within 5 % of each other
	MaxPartitions     = 1 << 16 // partitions of a table
	MaxMembers        = 1 << 14 // members of a table
	MaxWeight         = 1 << 20 // weight of a member
	MaxIDBytes        = 256     // bytes of a member's id
	MaxZoneBytes      = 64      // bytes of a member's zone
)

// Member is somebody who can own partitions.
type Member struct {
	ID     string // 1 to MaxIDBytes bytes, unique among the members
	Zone   string // what fails together with it, such as a rack; at most MaxZoneBytes bytes, empty if it does not matter
	Weight uint32 // 1 to MaxWeight; a member of weight 2 gets twice what one of weight 1 gets
}

// Equal makes members of weight 1 without zones.
func Equal(ids ...string) []Member {
	members := make([]Member, len(ids))
	for i, id := range ids {
		members[i] = Member{ID: id, Weight: 1}
	}
	return members
}

// Pin says that a partition belongs to a member, whatever the balance. A pin to somebody who is not a member waits until he is.
type Pin struct {
	Partition int
	ID        string
}

// Zones says what zones mean for placement.
type Zones uint8

// The zone rules.
const (
	// ZonesIgnored places by weight alone.
	ZonesIgnored Zones = iota
	// ZonesApart takes standbys from another zone than the owner's where there is one, and gives what a lost member owned to another zone than its own where
	// there is room. Shares go by weight, as without zones.
	ZonesApart
	// ZonesEven is ZonesApart, and every zone bears the same share of the partitions however many members it has; within a zone, shares go by weight.
	ZonesEven
)

// String gives a rule's name.
func (z Zones) String() string {
	switch z {
	case ZonesIgnored:
		return "ignored"
	case ZonesApart:
		return "apart"
	case ZonesEven:
		return "even"
	}
	return fmt.Sprintf("zones(%d)", uint8(z))
}

// check refuses a member that breaks a limit.
func (m *Member) check() error {
	switch {
	case m.ID == "":
		return fmt.Errorf("%w: it is empty; give each member a name that it keeps over restarts", ErrID)
	case len(m.ID) > MaxIDBytes:
		return fmt.Errorf("%w: %.32q… has %d bytes, the limit is %d", ErrID, m.ID, len(m.ID), MaxIDBytes)
	case len(m.Zone) > MaxZoneBytes:
		return fmt.Errorf("%w: that of member %q has %d bytes, the limit is %d", ErrZone, m.ID, len(m.Zone), MaxZoneBytes)
	case m.Weight == 0:
		return fmt.Errorf("%w: member %q has weight 0; a member that is to own nothing is to be left out", ErrWeight, m.ID)
	case m.Weight > MaxWeight:
		return fmt.Errorf("%w: member %q has weight %d, the limit is %d; only the proportions matter", ErrWeight, m.ID, m.Weight, MaxWeight)
	}
	return nil
}

// sorted checks members and returns them in the order of their ids.
func sorted(members []Member) ([]Member, error) {
	if len(members) > MaxMembers {
		return nil, fmt.Errorf("%w: %d, the limit is %d", ErrTooManyMembers, len(members), MaxMembers)
	}
	for i := range members {
		if err := members[i].check(); err != nil {
			return nil, err
		}
	}
	members = slices.Clone(members)
	if !slices.IsSortedFunc(members, compareIDs) {
		slices.SortFunc(members, compareIDs)
	}
	for i := 1; i < len(members); i++ {
		if members[i].ID == members[i-1].ID {
			return nil, fmt.Errorf("%w: %q", ErrDuplicate, members[i].ID)
		}
	}
	return members, nil
}

// compareIDs orders members by id.
func compareIDs(a, b Member) int { return strings.Compare(a.ID, b.ID) }
