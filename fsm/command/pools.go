package command

// The kinds of worker pools.
const (
	KindPoolCreate      Kind = 160
	KindPoolAlter       Kind = 161
	KindPoolDelete      Kind = 162
	KindPoolJoin        Kind = 163
	KindPoolLeave       Kind = 164
	KindPoolAcknowledge Kind = 165
	KindPoolEvict       Kind = 166
	KindPoolPin         Kind = 167
	KindPoolList        Kind = 176
	KindPoolInfo        Kind = 177
	KindPoolTable       Kind = 178
	KindPoolAssignment  Kind = 179
	KindPoolExplain     Kind = 180
)

// The limits of worker pools, part of the replicated contract as those in limits.go are.
const (
	MaxPools           = 1024
	MaxPoolPartitions  = 1 << 16 // of one pool
	MaxPartitionsInAll = 1 << 20 // of all pools together
	MaxWorkersPerPool  = 1024
	MaxPoolsPerSession = 4096 // memberships of one session
	MaxWorkerBytes     = 128  // a worker's id
	MaxZoneBytes       = 64
	MaxAddressBytes    = 256
	MaxWeight          = 1 << 20
	MaxPins            = 1024        // of one pool
	MaxReleases        = 4096        // partitions of one acknowledgement
	MaxDebounce        = 60_000      // ms
	MinDrain           = 100         // ms
	MaxDrain           = 3600 * 1000 // ms
	MaxGrace           = 600_000     // ms for which the place of a worker that has gone is kept
	MaxOperatorBytes   = 256         // who evicts
	PoolQuietFactor    = 5           // a rebalance waits for quiet at most so many times the debounce
	DefaultDebounce    = 1000        // ms, what doors give when nobody says
	DefaultDrain       = 30_000      // ms, likewise
	DefaultPartitions  = 4096        // partitions, likewise
)

// PoolSettings are the settings of a pool that can be altered.
type PoolSettings struct {
	Zones    uint8  // a place in PoolZoneRules; what they mean stands at ring.Zones
	Debounce int64  // ms of quiet after a join before anything moves for it
	Drain    int64  // ms after which a draining partition counts as overdue
	Moves    uint32 // how many partitions drain at once; 0: max(32, a sixteenth of the pool's)
}

// PoolZoneRules are the words of PoolSettings.Zones, by its value.
var PoolZoneRules = []string{"ignored", "apart", "even"}

// PoolCreate makes a pool. The reply is its map. The same again changes nothing; other settings for the same name are refused with POOLEXISTS.
type PoolCreate struct {
	Pool       string
	Partitions uint32
	Settings   PoolSettings
}

// PoolField says which settings a PoolAlter changes.
type PoolField uint8

// The settings that can be altered; they are added up.
const (
	PoolZones    PoolField = 1
	PoolDebounce PoolField = 2
	PoolDrain    PoolField = 4
	PoolMoves    PoolField = 8
)

// PoolAlter changes settings of a pool. The reply is its map.
type PoolAlter struct {
	Pool     string
	Fields   PoolField
	Settings PoolSettings // of Fields
}

// PoolDelete removes a pool without workers. The reply is OK, also when that incarnation has gone already.
type PoolDelete struct {
	Pool        string
	Incarnation Position
}

// PoolMember names a membership, and proves that the session is the caller's.
type PoolMember struct {
	Pool       string
	Worker     string
	Session    SessionID
	SecretHash [32]byte
}

// PoolJoin makes the session a member under the worker's id. The reply is the membership's map, or WORKERBUSY when another live session has that id.
type PoolJoin struct {
	Member        PoolMember
	Weight        uint32
	Zone          string
	Address       string
	Grace         int64     // ms for which the place is kept when the session ends
	Old           SessionID // take the id over from this session, whose secret the caller has
	OldSecretHash [32]byte
}

// PoolLeave begins to hand over what the worker owns; it is a member until it owns nothing. With Restart it has stopped all work, owns nothing at once, and
// its place is kept for so many ms. The reply is the membership's map.
type PoolLeave struct {
	Member  PoolMember
	Restart int64
}

// Release is a partition given back, under the token with which it was owned.
type Release struct {
	Partition uint32
	Token     Token
}

// PoolAcknowledge says that work on partitions has stopped. What the worker does not own with that token is passed over. The reply is a map: released, version.
type PoolAcknowledge struct {
	Member   PoolMember
	Releases []Release
}

// PoolEvict makes a worker leave. With Now its partitions are given on at once and only tokens protect. The reply is a map: partitions, version.
type PoolEvict struct {
	Pool   string
	Worker string
	Reason string
	Actor  string
	Now    bool
}

// PoolPin makes a partition that of a worker whenever it is a member; an empty worker takes the pin away. The reply is OK.
type PoolPin struct {
	Pool      string
	Partition uint32
	Worker    string
}

// PoolList answers an array of the maps of all pools.
type PoolList struct{}

// PoolInfo answers the map of a pool with its workers, or NOPOOL.
type PoolInfo struct{ Pool string }

// PoolTable answers who owns what: all of it, or, with Since of the same Incarnation, what has changed after that version.
type PoolTable struct {
	Pool        string
	Since       uint64
	Incarnation Position
}

// PoolAssignment answers a worker what it owns and what it is to hand over.
type PoolAssignment struct{ Member PoolMember }

// PoolExplain answers where a key is and why.
type PoolExplain struct {
	Pool string
	Key  string
}

// PoolOf is the name of the pool that an op is about; ok is false for ops of other families and for PoolList.
func PoolOf(op Op) (pool string, ok bool) {
	switch op := op.(type) {
	case PoolCreate:
		return op.Pool, true
	case PoolAlter:
		return op.Pool, true
	case PoolDelete:
		return op.Pool, true
	case PoolJoin:
		return op.Member.Pool, true
	case PoolLeave:
		return op.Member.Pool, true
	case PoolAcknowledge:
		return op.Member.Pool, true
	case PoolEvict:
		return op.Pool, true
	case PoolPin:
		return op.Pool, true
	case PoolInfo:
		return op.Pool, true
	case PoolTable:
		return op.Pool, true
	case PoolAssignment:
		return op.Member.Pool, true
	case PoolExplain:
		return op.Pool, true
	}
	return "", false
}
