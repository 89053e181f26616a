package native

import (
	"math"
	"strconv"

	"github.com/coordd/coordd/fsm/command"
)

// MaxPoolBlock is how long POOL.TABLE may wait, in ms.
const MaxPoolBlock = 60_000

// zoneRule takes ZONES and the rule's name.
func (o *options) zoneRule(to *uint8) bool {
	return o.values("zones", 1, func(values [][]byte) {
		for rule, word := range command.PoolZoneRules {
			if is(values[0], word) {
				*to = uint8(rule)
				return
			}
		}
		o.fail(errorf("%s: ZONES is ignored, apart or even, not %q", o.command, clipped(values[0])))
	})
}

// poolSettings takes one of the settings of a pool, and adds it to those that were given.
func (o *options) poolSettings(to *command.PoolSettings, given *command.PoolField) bool {
	var moves uint64
	field := command.PoolField(0)
	switch {
	case o.zoneRule(&to.Zones):
		field = command.PoolZones
	case o.milliseconds("debounce", "DEBOUNCE", 0, command.MaxDebounce, &to.Debounce):
		field = command.PoolDebounce
	case o.milliseconds("drain", "DRAIN", command.MinDrain, command.MaxDrain, &to.Drain):
		field = command.PoolDrain
	case o.number("moves", 0, command.MaxPoolPartitions, &moves):
		to.Moves, field = uint32(moves), command.PoolMoves
	}
	*given |= field
	return field != 0
}

// poolOptions begins to read a command on a pool, with so many fixed arguments.
func poolOptions(name string, argv [][]byte, fixed int) *options {
	o := &options{command: name, left: argv[fixed:]}
	if pool := argv[1]; len(pool) == 0 || len(pool) > command.MaxNameBytes {
		o.check(refuseLimit("a pool's name has 1 to %d bytes; this one has %d", command.MaxNameBytes, len(pool)))
	}
	return o
}

// worker checks a worker's id.
func (o *options) worker(id []byte, least int) string {
	if len(id) < least || len(id) > command.MaxWorkerBytes {
		o.check(refuseLimit("a worker's id has %d to %d bytes; this one has %d", least, command.MaxWorkerBytes, len(id)))
	}
	return string(id[:min(len(id), command.MaxWorkerBytes)])
}

// partition reads the number of a partition.
func (o *options) partition(argument []byte) uint32 {
	n, err := strconv.ParseUint(string(argument), 10, 32)
	if err != nil || n >= command.MaxPoolPartitions {
		o.fail(errorf("%q is not a partition", clipped(argument)))
	}
	return uint32(n)
}

// incarnation reads which pool of its name is meant.
func (o *options) incarnation(argument []byte) command.Position {
	incarnation, err := command.ParsePosition(clipped(argument))
	if err != nil || incarnation.IsZero() {
		o.fail(errorf("%q is not a pool's incarnation such as 812-3; POOL.INFO tells it", clipped(argument)))
	}
	return incarnation
}

// CreatePool reads POOL.CREATE.
func CreatePool(argv [][]byte) (command.Op, *command.Reply) {
	o := poolOptions("POOL.CREATE", argv, 2)
	var given command.PoolField
	partitions := uint64(command.DefaultPartitions)
	op := command.PoolCreate{Pool: string(argv[1]), Settings: command.PoolSettings{Debounce: command.DefaultDebounce, Drain: command.DefaultDrain}}
	for o.more() {
		if !o.number("partitions", 1, command.MaxPoolPartitions, &partitions) && !o.poolSettings(&op.Settings, &given) {
			o.unknown()
		}
	}
	op.Partitions = uint32(partitions)
	return op, o.problem()
}

// AlterPool reads POOL.ALTER.
func AlterPool(argv [][]byte) (command.Op, *command.Reply) {
	o := poolOptions("POOL.ALTER", argv, 2)
	op := command.PoolAlter{Pool: string(argv[1])}
	for o.more() {
		if is(o.left[0], "partitions") {
			o.fail(errorf("POOL.ALTER cannot change PARTITIONS: every key would be in another one; make another pool"))
		} else if !o.poolSettings(&op.Settings, &op.Fields) {
			o.unknown()
		}
	}
	return op, o.problem()
}

// DeletePool reads POOL.DELETE.
func DeletePool(argv [][]byte) (command.Op, *command.Reply) {
	o := poolOptions("POOL.DELETE", argv, 3)
	return command.PoolDelete{Pool: string(argv[1]), Incarnation: o.incarnation(argv[2])}, o.problem()
}

// PoolInfo reads POOL.INFO.
func PoolInfo(argv [][]byte) (command.Op, *command.Reply) {
	return command.PoolInfo{Pool: string(argv[1])}, poolOptions("POOL.INFO", argv, 2).problem()
}

// ExplainKey reads POOL.EXPLAIN.
func ExplainKey(argv [][]byte) (command.Op, *command.Reply) {
	o := poolOptions("POOL.EXPLAIN", argv, 3)
	if len(argv[2]) > command.MaxValueBytes {
		o.check(refuseLimit("a key of %d bytes is too long; the limit is %d", len(argv[2]), command.MaxValueBytes))
	}
	return command.PoolExplain{Pool: string(argv[1]), Key: string(argv[2])}, o.problem()
}

// PinPartition reads POOL.PIN.
func PinPartition(argv [][]byte) (command.Op, *command.Reply) {
	o := poolOptions("POOL.PIN", argv, 4)
	return command.PoolPin{Pool: string(argv[1]), Partition: o.partition(argv[2]), Worker: o.worker(argv[3], 0)}, o.problem()
}

// EvictWorker reads POOL.EVICT.
func EvictWorker(argv [][]byte, actor string) (command.PoolEvict, *command.Reply) {
	o := poolOptions("POOL.EVICT", argv, 3)
	op := command.PoolEvict{Pool: string(argv[1]), Worker: o.worker(argv[2], 1), Actor: actor}
	for o.more() {
		switch {
		case o.text("reason", "a reason", command.MaxReasonBytes, &op.Reason):
		case o.flag("now"):
			op.Now = true
		default:
			o.unknown()
		}
	}
	if op.Reason == "" {
		o.fail(errorf("POOL.EVICT needs REASON text, for those who read the log later"))
	}
	return op, o.problem()
}

// FollowedPool is a table that is asked for, or followed.
type FollowedPool struct {
	Table command.PoolTable
	Block int64 // ms for which to wait for something newer
}

// PoolTable reads POOL.TABLE.
func PoolTable(argv [][]byte) (FollowedPool, *command.Reply) {
	return followedPool("POOL.TABLE", argv, true)
}

// WatchPool reads POOL.WATCH.
func WatchPool(argv [][]byte) (FollowedPool, *command.Reply) {
	return followedPool("POOL.WATCH", argv, false)
}

func followedPool(name string, argv [][]byte, blocks bool) (f FollowedPool, refusal *command.Reply) {
	o := poolOptions(name, argv, 2)
	f.Table.Pool = string(argv[1])
	for o.more() {
		switch {
		case o.number("since", 0, math.MaxInt64, &f.Table.Since):
		case o.values("incarnation", 1, func(values [][]byte) { f.Table.Incarnation = o.incarnation(values[0]) }):
		case blocks && o.milliseconds("block", "BLOCK", 0, MaxPoolBlock, &f.Block):
		default:
			o.unknown()
		}
	}
	if f.Table.Since > 0 && f.Table.Incarnation.IsZero() {
		o.fail(errorf("%s takes SINCE together with INCARNATION: versions of another incarnation mean nothing", name))
	}
	return f, o.problem()
}
