package mutant

import (
	"slices"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/run"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// with makes the plan of a mutant: what goes wrong, for how long each time, and how often. All workloads run.
func with(hold, duration time.Duration, nemeses ...string) func(*run.Plan) {
	return func(plan *run.Plan) {
		plan.Workloads, plan.Nemeses, plan.Hold, plan.Duration = workload.Names(), nemeses, hold, duration
	}
}

// compacting lets nodes forget what snapshots hold, and restore them.
func compacting(adapt func(*run.Plan)) func(*run.Plan) {
	return func(plan *run.Plan) {
		adapt(plan)
		plan.Compact, plan.SnapshotEntries = true, 50
	}
}

// withFailpoints builds the tag in.
func withFailpoints(adapt func(*run.Plan)) func(*run.Plan) {
	return func(plan *run.Plan) {
		adapt(plan)
		plan.Failpoints = true
	}
}

// keeping lets few clients do nothing but hold locks for longer than a time to live, so that the one whose answers come late holds one, and another waits for it.
func keeping(adapt func(*run.Plan)) func(*run.Plan) {
	return func(plan *run.Plan) {
		adapt(plan)
		plan.Workloads, plan.Clients = []string{"keepers"}, 2
	}
}

// sharing lets clients do nothing but share partitions.
func sharing(adapt func(*run.Plan)) func(*run.Plan) {
	return func(plan *run.Plan) {
		adapt(plan)
		plan.Workloads = []string{"pool"}
	}
}

const (
	short = 10 * time.Second
	long  = 30 * time.Second
)

// How many seeds make a run at most: enough for bugs that most plays meet, and for those that need a rare moment.
const (
	few  = 60
	many = 200
)

// All are the mutants.
func All() []Mutant {
	return slices.Concat(leaseMutants(), tokenMutants(), requestMutants(), poolMutants(), storeMutants())
}

func leaseMutants() []Mutant {
	return []Mutant{
		{"deposed-acknowledges", "a node acknowledges renewals by itself, also when it leads no more, and lets them go through the log later", []Edit{{"raftnode/execute.go",
			"		return n.urgentCourier.carry(ctx, newJob(lane, ops, bytesOf(ops)))",
			`		go func() {
			_, _ = n.urgentCourier.carry(context.WithoutCancel(ctx), newJob(lane, ops, bytesOf(ops)))
		}()
		_, instant := n.progress.position()
		word := func(text string) command.Reply { return command.Bulk([]byte(text)) }
		replies := make([]command.Reply, len(ops))
		for i := range replies {
			replies[i] = command.Map(word("now_ms"), command.Integer(int64(instant)), word("deadline_ms"), command.Integer(int64(instant)+2000))
		}
		return replies, nil`}}, few, with(4*time.Second, long, "isolate-leader", "isolate-one")},
		{"local-expiry", "each node ends leases by its own clock, without an entry that says so", []Edit{{"raftnode/replica.go",
			"	r.metrics.Applied(len(applied.Replies), time.Since(start))",
			`	r.machine.Apply(log.Index, log.Term, command.AppendEntry(nil, command.Entry{
		Term: log.Term, Now: applied.Now.Add(int64(start.Nanosecond() % 50)), Commands: []command.Command{{Op: command.Expire{}}},
	}))
	r.metrics.Applied(len(applied.Replies), time.Since(start))`},
			{"raftnode/replica.go", "	\"github.com/coordd/coordd/fsm\"\n", "	\"github.com/coordd/coordd/fsm\"\n	\"github.com/coordd/coordd/fsm/command\"\n"}},
			few, with(time.Second, short, "kill-one")},
		{"early-expiry", "a lease ends 300 ms before its time is over", []Edit{{"fsm/state.go",
			"	return record.deadline, record.deadline != 0 && record.deadline <= s.now",
			"	return record.deadline, record.deadline != 0 && record.deadline <= s.now.Add(300)"}}, few, with(time.Second, short, "kill-one")},
		{"wall-clock-ttl", "the leader measures time to live with its wall clock", []Edit{{"raftnode/reign.go",
			"newLeaderClock(n.config.Clock.Monotonic, n.appliedInstant)",
			"newLeaderClock(func() time.Duration { return time.Duration(n.config.Clock.Wall().UnixNano()) }, n.appliedInstant)"}},
			many, withFailpoints(with(3*time.Second, long, "clock-strobe"))},
		{"slow-cluster-clock", "the cluster's clock goes at half its rate, so leases last twice as long", []Edit{{"raftnode/reign.go",
			"newLeaderClock(n.config.Clock.Monotonic, n.appliedInstant)",
			"newLeaderClock(func() time.Duration { return n.config.Clock.Monotonic() / 2 }, n.appliedInstant)"}},
			0, with(time.Second, short, "kill-one")},
		{"deadline-from-receive", "the client counts a session's time from when it got the answer, not from when it asked", []Edit{
			{"client/session.go", "	if err := s.opened(answer, sent); err != nil {", "	sent = c.clock.now()\n	if err := s.opened(answer, sent); err != nil {"},
			{"client/keepalive.go", "	return s.extend(answer, sent)", "	sent = s.client.clock.now()\n	return s.extend(answer, sent)"}},
			0, keeping(with(3*time.Second, long, "client-lag"))},
		{"clock-in-machine", "the state machine reads the clock of its node", []Edit{
			{"fsm/machine.go", "	s.now = max(s.now, entry.Now)", "	s.now = max(s.now, entry.Now) + command.Instant(time.Now().UnixMilli()&1)"},
			{"fsm/machine.go", "import (\n", "import (\n	\"time\"\n"}}, few, with(time.Second, short, "kill-one")},
	}
}

func tokenMutants() []Mutant {
	return []Mutant{
		{"token-from-counter", "tokens come from a counter in the memory of a node", []Edit{
			{"fsm/state.go", "func (s *state) token() command.Token { return command.Token(s.tokenBase + s.index) }", `func (s *state) token() command.Token {
	if s.granting != s.index {
		s.granting = s.index
		s.grants++
	}
	return command.Token(s.grants)
}`},
			{"fsm/state.go", "	tokenBase   uint64          // token = tokenBase + index\n", "	tokenBase   uint64          // token = tokenBase + index\n	granting    uint64\n	grants      uint64\n"},
		}, few, with(time.Second, short, "kill-one", "kill-leader")},
		{"two-grants-in-an-entry", "a name can get two owners in one entry, with one token (S7)", []Edit{
			{"fsm/machine.go", "	_, already := c.granted[key]\n	return already", "	return false"},
			{"raftnode/packing.go", "_, already := p.written[name]; already {", "_, already := p.written[name]; already && size < 0 {"},
		}, few, nil},
		{"release-by-anybody", "a lock can be released by whoever held it earlier", []Edit{{"fsm/holds_release.go",
			"		case record.stage != stageHeld || byID && holder != hold.Waiter || !byID && record.token != hold.Token:\n		case record.session != session || owner != \"\" && record.owner != owner:\n",
			"		case record.stage != stageHeld || byID && holder != hold.Waiter:\n"}}, few, with(time.Second, short, "kill-one")},
		{"last-come-first-served", "a lock is handed to who came last", []Edit{{"fsm/waiters.go",
			"		found, waiter, ok = k, w, k.name == key\n		return false",
			"		if k.name != key {\n			return false\n		}\n		found, waiter, ok = k, w, true\n		return true"}}, few, with(time.Second, short, "kill-one")},
		{"restore-resets-tokens", "restoring a snapshot forgets the base above which tokens begin", []Edit{{"fsm/snapshot.go",
			"	if err := in.readTables(s.tables()); err != nil {\n		return err\n	}",
			"	if err := in.readTables(s.tables()); err != nil {\n		return err\n	}\n	s.tokenBase = 0"}}, few, nil},
		{"snapshot-without-deadlines", "a snapshot forgets when leases end", []Edit{{"fsm/snapshot.go",
			"	if err := in.readTables(s.tables()); err != nil {\n		return err\n	}",
			"	if err := in.readTables(s.tables()); err != nil {\n		return err\n	}\n	s.deadlines, rowSum = newState().deadlines, s.sum"}},
			few, compacting(with(time.Second, long, "kill-one", "kill-all"))},
	}
}

func requestMutants() []Mutant {
	return []Mutant{
		{"no-duplicate-suppression", "a request that is sent again is run again", []Edit{{"fsm/requests.go",
			"	if record, found := s.results.get(resultKey{id, c.Request.Number}); found {",
			"	if record, found := s.results.get(resultKey{id, c.Request.Number}); found && record.lock == \"never\" {"}}, few, with(2*time.Second, long, "pause-leader", "kill-leader", "isolate-leader")},
		{"results-not-in-snapshot", "remembered results are missing from the snapshot", []Edit{{"fsm/snapshot.go",
			"	if err := in.readTables(s.tables()); err != nil {\n		return err\n	}",
			"	if err := in.readTables(s.tables()); err != nil {\n		return err\n	}\n	s.results, rowSum = newState().results, s.sum"}},
			few, compacting(with(time.Second, long, "kill-one", "kill-leader"))},
		{"new-number-on-retry", "a request whose fate is not known is sent again under a new number", []Edit{{"raftnode/courier_return.go",
			"		if dead {\n			j.number = 0", "		if dead || j.maybeProposed {\n			j.number = 0"}}, few, with(2*time.Second, long, "pause-leader", "kill-leader", "isolate-leader")},
		{"local-reads", "a node answers reads from its own state, without asking the leader", []Edit{{"raftnode/execute.go",
			"		return n.readCourier.carry(ctx, newJob(lane, ops, bytesOf(ops)))",
			"		replies, _ := n.machine.Read(n.machine.Now(), ops)\n		return replies, nil"}}, few, with(2*time.Second, long, "isolate-one", "delay")},
	}
}

func poolMutants() []Mutant {
	return []Mutant{
		{"ring-from-gossip", "who is a worker follows which nodes are seen, instead of sessions: workers of a node that is out of sight lose their partitions", []Edit{
			{"raftnode/peer_handler.go", "	o.node.suspicion.connectionEnded(remote)\n}", `	o.node.suspicion.connectionEnded(remote)
	go o.node.evictWorkersOf(string(remote))
}

func (n *Node) evictWorkersOf(remote string) {
	ctx, cancel := context.WithTimeout(n.running, time.Second)
	defer cancel()
	field := func(reply command.Reply, name string) (found command.Reply) {
		for i := 0; i+1 < len(reply.Elements); i += 2 {
			if string(reply.Elements[i].Text) == name {
				found = reply.Elements[i+1]
			}
		}
		return found
	}
	pools, _ := n.machine.Read(n.machine.Now(), []command.Op{command.PoolList{}})
	for _, pool := range pools[0].Elements {
		name := string(field(pool, "name").Text)
		info, _ := n.machine.Read(n.machine.Now(), []command.Op{command.PoolInfo{Pool: name}})
		for _, worker := range field(info[0], "workers").Elements {
			if string(field(worker, "address").Text) == remote {
				_, _ = n.Execute(ctx, n.OpenLane(), []command.Op{command.PoolEvict{
					Pool: name, Worker: string(field(worker, "worker").Text), Reason: "its node is out of sight", Actor: "gossip", Now: true,
				}})
			}
		}
	}
}`},
			{"raftnode/peer_handler.go", "	\"github.com/coordd/coordd/transport/peer\"\n", "	\"github.com/coordd/coordd/fsm/command\"\n	\"github.com/coordd/coordd/transport/peer\"\n"},
		}, few, nil},
		{"handover-without-asking", "a partition that is to move is taken from its owner at once, without waiting until that has stopped", []Edit{{"fsm/pools_handover.go",
			"		part.draining = max(1, s.now)\n		p.setPart(waiting[i], part)\n",
			"		p.setPart(waiting[i], partRecord{token: part.token})\n		late = true\n"}}, few, sharing(with(time.Second, short, "pause-client", "one-way-out"))},
	}
}

func storeMutants() []Mutant {
	return []Mutant{
		{"entries-of-another-term", "an entry that was stamped in another term than Raft gave it is run (S2)", []Edit{
			{"fsm/machine.go", "TermMatched: err == nil && entry.Term == term}", "TermMatched: err == nil}"},
		}, many, nil},
		{"no-fsync", "the log is not synced to disk", []Edit{{"raftnode/store/memory.go",
			"		for _, log := range copies {\n", "		for _, log := range copies {\n			if c == &h.disk.synced {\n				continue\n			}\n"}, {"raftnode/store/store.go",
			"		bolt, err = raftboltdb.New(raftboltdb.Options{\n			Path: path,", "		bolt, err = raftboltdb.New(raftboltdb.Options{\n			NoSync: true,\n			Path: path,"}},
			few, with(2*time.Second, short, "power-loss-all", "power-loss-majority")},
	}
}
