package native

import (
	"strconv"

	"github.com/coordd/coordd/fsm/command"
)

// poolMember reads name, worker and session of a worker's command.
func poolMember(name string, argv [][]byte) (*options, command.PoolMember) {
	o := poolOptions(name, argv, 6)
	member := command.PoolMember{Pool: string(argv[1]), Worker: o.worker(argv[2], 1)}
	if !is(argv[3], "session") {
		o.fail(errorf("%s: SESSION id secret comes behind the worker; see HELP %s", name, name))
		return o, member
	}
	who, refusal := parseCredentials(argv[4], argv[5])
	o.check(refusal)
	member.Session, member.SecretHash = who.Session, who.Secret
	return o, member
}

// JoinPool reads POOL.JOIN.
func JoinPool(argv [][]byte) (command.Op, *command.Reply) {
	o, member := poolMember("POOL.JOIN", argv)
	op := command.PoolJoin{Member: member}
	weight := uint64(1)
	for o.more() {
		switch {
		case o.number("weight", 1, command.MaxWeight, &weight):
		case o.text("zone", "a zone", command.MaxZoneBytes, &op.Zone):
		case o.text("address", "an address", command.MaxAddressBytes, &op.Address):
		case o.milliseconds("grace", "GRACE", 0, command.MaxGrace, &op.Grace):
		case o.values("takeover", 2, func(values [][]byte) {
			old, refusal := parseCredentials(values[0], values[1])
			o.check(refusal)
			op.Old, op.OldSecretHash = old.Session, old.Secret
		}):
		default:
			o.unknown()
		}
	}
	op.Weight = uint32(weight)
	return op, o.problem()
}

// LeavePool reads POOL.LEAVE.
func LeavePool(argv [][]byte) (command.Op, *command.Reply) {
	o, member := poolMember("POOL.LEAVE", argv)
	op := command.PoolLeave{Member: member}
	for o.more() {
		if !o.milliseconds("restart", "RESTART", 1, command.MaxGrace, &op.Restart) {
			o.unknown()
		}
	}
	return op, o.problem()
}

// AcknowledgePartitions reads POOL.ACK.
func AcknowledgePartitions(argv [][]byte) (command.Op, *command.Reply) {
	o, member := poolMember("POOL.ACK", argv)
	op := command.PoolAcknowledge{Member: member}
	pairs := o.left
	if len(pairs)%2 != 0 || len(pairs)/2 > command.MaxReleases {
		o.fail(errorf("POOL.ACK takes pairs of a partition and its token, %d at most", command.MaxReleases))
	}
	for ; len(pairs) > 0 && !o.failed; pairs = pairs[2:] {
		partition := o.partition(pairs[0])
		token, err := strconv.ParseUint(string(pairs[1]), 10, 64)
		if err != nil || token == 0 {
			o.fail(errorf("%q is not a fencing token; give the number that POOL.ASSIGNMENT answered", clipped(pairs[1])))
		}
		op.Releases = append(op.Releases, command.Release{Partition: partition, Token: command.Token(token)})
	}
	return op, o.problem()
}

// Assignment reads POOL.ASSIGNMENT.
func Assignment(argv [][]byte) (command.Op, *command.Reply) {
	o, member := poolMember("POOL.ASSIGNMENT", argv)
	return command.PoolAssignment{Member: member}, o.problem()
}
