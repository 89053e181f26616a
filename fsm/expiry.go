package fsm

import "github.com/coordd/coordd/fsm/command"

// expire ends what is due at the entry's instant and goes on giving back what dead sessions held, in slices. It judges by the deadlines in the state:
// whatever was renewed since the leader proposed it is not due.
func (e *effects) expire() command.Reply {
	s := e.m.state
	allowance := command.ExpireSlice
	for allowance > 0 {
		due, _, ok := s.deadlines.first()
		if !ok || due.at > s.now {
			break
		}
		allowance--
		switch due.class {
		case deadlineSession:
			session, _ := s.sessions.get(due.id)
			e.endSession(due.id, session, s.reasonAtDeadline(due.id))
		case deadlineName:
			record, _ := s.names.get(due.name)
			e.end(due.name, record, ReasonExpired)
		case deadlineWaiter:
			k := waiterKey{due.name, due.id}
			waiter, _ := s.waiters.get(k)
			e.dropWaiter(k, waiter, ReasonTimeout)
		case deadlineHold:
			a, _ := s.acquires.get(due.id)
			e.endOverdue(due.id, a)
		case deadlinePool:
			e.touchPool(due.name.key)
		}
	}
	for allowance > 0 {
		id, _, ok := s.dying.first()
		if !ok {
			break
		}
		allowance = e.giveBack(id, allowance)
	}
	return command.Integer(int64(command.ExpireSlice - allowance))
}

// maxClockOffset is some 280,000 years, so that sums with it do not overflow.
const maxClockOffset = 1 << 53

// setClockOffset moves Unix time against replicated time. No deadline moves with it (safety case S27).
func (s *state) setClockOffset(op command.ClockOffset) command.Reply {
	if op.Milliseconds > maxClockOffset || op.Milliseconds < -maxClockOffset {
		return command.Errorf(command.CodeLimit, "a clock offset of %d ms is no distance between clocks", op.Milliseconds)
	}
	s.clockOffset = op.Milliseconds
	return command.OK()
}

// setIdentity gives the cluster its id and name, once.
func (s *state) setIdentity(op command.Identity) command.Reply {
	const most = 256
	if op.ClusterID == "" || len(op.ClusterID) > most || len(op.ClusterName) > most {
		return command.Errorf(command.CodeLimit, "a cluster's id and name have at most %d bytes, and the id at least one", most)
	}
	if s.clusterID != "" && s.clusterID != op.ClusterID {
		return command.Errorf(command.CodeGeneric, "this is cluster %s and stays it; %s was asked for", s.clusterID, op.ClusterID)
	}
	s.clusterID, s.clusterName = op.ClusterID, op.ClusterName
	return command.OK()
}

// setSetting sets or removes a replicated setting.
func (s *state) setSetting(op command.Setting) command.Reply {
	switch {
	case op.Key == "" || len(op.Key)+len(op.Value) > command.MaxSettingBytes:
		return command.Errorf(command.CodeLimit, "a setting needs a key, and has at most %d bytes with its value", command.MaxSettingBytes)
	case op.Value == "":
		s.settings.remove(op.Key)
	case !s.settings.has(op.Key) && s.settings.len() >= command.MaxSettings:
		return command.Errorf(command.CodeLimit, "there are %d settings, which is the limit", command.MaxSettings)
	default:
		s.settings.put(op.Key, op.Value)
	}
	return command.OK()
}
