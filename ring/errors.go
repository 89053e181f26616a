package ring

import "errors"

// The errors of this package. What is returned wraps one of them and says which value was wrong and what would be right.
var (
	// ErrPartitions is a number of partitions below 1 or above [MaxPartitions].
	ErrPartitions = errors.New("ring: unusable number of partitions")
	// ErrWeight is a weight of 0 or above [MaxWeight].
	ErrWeight = errors.New("ring: unusable weight")
	// ErrID is an empty id, or one longer than [MaxIDBytes].
	ErrID = errors.New("ring: unusable member id")
	// ErrZone is a zone longer than [MaxZoneBytes], or a zone rule that does not exist.
	ErrZone = errors.New("ring: unusable zone")
	// ErrDuplicate is an id that two members share.
	ErrDuplicate = errors.New("ring: two members have one id")
	// ErrTooManyMembers is more than [MaxMembers], or, for [New], more members than partitions.
	ErrTooManyMembers = errors.New("ring: too many members")
	// ErrPin is a pin of a partition that does not exist or was pinned twice.
	ErrPin = errors.New("ring: unusable pin")
	// ErrDifferent is a comparison of tables with different numbers of partitions: their partitions hold different keys.
	ErrDifferent = errors.New("ring: tables with different numbers of partitions")
	// ErrMalformed is a table that does not decode.
	ErrMalformed = errors.New("ring: malformed table")
)
