package raftnode

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coordd/coordd/raftnode/bootstrap"
	"github.com/coordd/coordd/raftnode/datadir"
	"github.com/coordd/coordd/raftnode/store"
	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/raft"
)

// commitParts is how often, per RaftTimeout, a leader with nothing else to send tells its followers what is committed: 20 ms by default. It is what a waiter on a
// follower waits longer than one on the leader.
const commitParts = 15

// How often, at least, Raft looks whether a snapshot is due: with the default threshold, and with the smallest.
const (
	snapshotInterval      = 30 * time.Second
	leastSnapshotInterval = 250 * time.Millisecond
)

// snapshotPause is how long Raft waits between two such looks. Who asks for snapshots after fewer entries than usual wants them sooner too: with looks half a minute apart a
// small threshold would mean nothing on a busy node.
func snapshotPause(threshold uint64) time.Duration {
	if threshold >= defaultSnapshotEntries {
		return snapshotInterval
	}
	return max(leastSnapshotInterval, snapshotInterval*time.Duration(threshold)/defaultSnapshotEntries)
}

// startRaft starts Raft on the node's stores. The node belongs to a cluster by now.
func (n *Node) startRaft() error {
	if err := n.bootstrapIfFounder(); err != nil {
		return err
	}
	storedTerm, err := n.stores.CurrentTerm()
	if err != nil {
		return fmt.Errorf("read the term from the data directory: %w", err)
	}
	n.transport = peer.NewRaftTransport(n.port, peer.RaftConfig{CurrentTerm: n.currentTermOr(storedTerm), Committed: n.committed, Covered: n.covered, Logger: n.hclog("raft-transport")})
	var machine raft.BatchingFSM = &replica{
		machine: n.machine, progress: n.progress, waits: n.waits, events: n.events, metrics: n.metrics, configured: n.configured, told: n.config.OnApplied,
		fatal: n.fatal,
	}
	if n.config.AroundMachine != nil {
		machine = n.config.AroundMachine(machine)
	}
	if err := n.newRaft(machine); err != nil {
		return err
	}
	n.stores.SetLeads(func() bool { return n.raft.State() == raft.Leader })
	n.raft.RegisterObserver(raft.NewObserver(n.leadership.observed, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState:
			return true
		}
		return false
	}))
	n.raftEnd = sync.OnceValue(n.raft.Shutdown)
	close(n.started)
	n.refreshRoster()
	return nil
}

// newRaft starts the library. It panics when an entry that it must look at cannot be read; that a disk is failing is told like whatever else keeps a node from starting.
func (n *Node) newRaft(machine raft.FSM) (err error) {
	defer func() {
		fault := recover()
		if damage, ok := fault.(error); ok && store.IsDamage(damage) {
			err = damage
		} else if fault != nil {
			panic(fault)
		}
	}()
	n.raft, err = raft.NewRaft(n.raftConfig(), machine, n.stores.Log, n.stores.Stable, n.stores.Snapshots, n.transport)
	if err != nil {
		return fmt.Errorf("start Raft: %w", err)
	}
	return nil
}

// raftConfig is the library's configuration.
func (n *Node) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.self().NodeID)
	c.HeartbeatTimeout = n.config.RaftTimeout
	c.ElectionTimeout = n.config.RaftTimeout
	c.LeaderLeaseTimeout = n.config.RaftTimeout
	c.CommitTimeout = n.config.RaftTimeout / commitParts
	c.BatchApplyCh = true
	c.SnapshotThreshold = n.config.SnapshotThreshold
	c.SnapshotInterval = n.config.SnapshotInterval
	c.TrailingLogs = n.config.TrailingLogs
	c.ShutdownOnRemove = true
	c.NoLegacyTelemetry = true
	c.NotifyCh = n.leadership.notices
	c.Logger = n.hclog("raft")
	return c
}

// currentTermOr answers Raft's term, or the stored one until Raft runs.
func (n *Node) currentTermOr(stored uint64) func() uint64 {
	return func() uint64 {
		if engine := n.engine(); engine != nil {
			return engine.CurrentTerm()
		}
		return stored
	}
}

// committed is the highest log index that this node knows to be committed, 0 until Raft runs. After a restart Raft learns it from its leader, and
// knows until then that what it took from a snapshot was.
func (n *Node) committed() uint64 {
	if engine := n.engine(); engine != nil {
		return max(engine.CommitIndex(), engine.AppliedIndex())
	}
	return 0
}

// covered is the last entry of the newest snapshot, once the machine stands on it: a snapshot that could not be restored covers nothing.
func (n *Node) covered() (index, term uint64) {
	index, term = n.stores.NewestSnapshot()
	if engine := n.engine(); engine == nil || engine.AppliedIndex() < index {
		return 0, 0
	}
	return index, term
}

// leads implements ballot.
func (n *Node) leads(term uint64) (commitIndex uint64, ok bool) {
	commitIndex = n.raft.CommitIndex()
	return commitIndex, n.raft.State() == raft.Leader && n.raft.CurrentTerm() == term
}

// voters implements ballot. The newest configuration counts, committed or not: its majorities and those of the one before always meet.
func (n *Node) voters() (count int, others []peer.Target) {
	for _, server := range n.raft.GetConfiguration().Configuration().Servers {
		if server.Suffrage != raft.Voter {
			continue
		}
		count++
		if target := targetOf(server); target.NodeID != n.self().NodeID {
			others = append(others, target)
		}
	}
	return count, others
}

func targetOf(server raft.Server) peer.Target {
	return peer.Target{NodeID: peer.NodeID(server.ID), Address: string(server.Address)}
}

// refreshRoster tells the peer port who belongs to the cluster.
func (n *Node) refreshRoster() {
	servers := n.raft.GetConfiguration().Configuration().Servers
	if len(servers) == 0 {
		return
	}
	members := peer.Members{Addresses: make(map[peer.NodeID]string, len(servers)), Leading: n.raft.State() == raft.Leader}
	for _, server := range servers {
		members.Addresses[peer.NodeID(server.ID)] = string(server.Address)
	}
	n.roster.Set(members)
	if n.membersSeen.Swap(int64(len(servers))) > int64(len(servers)) {
		n.port.Recheck() // a member was removed: its open connections end, and it is told why when it dials again
	}
}

// knownMembers is what a node that wants to join is answered from. It is zero while Raft does not run.
func (n *Node) knownMembers() (known bootstrap.Configuration) {
	engine := n.engine()
	if engine == nil {
		return known
	}
	for _, server := range engine.GetConfiguration().Configuration().Servers {
		target := targetOf(server)
		known.Known = append(known.Known, string(target.NodeID))
		if server.Suffrage == raft.Voter {
			known.Voters = append(known.Voters, datadir.Member{NodeID: string(target.NodeID), Address: target.Address})
		}
	}
	return known
}

// configured is told each committed configuration, by the goroutine that feeds the machine. A node that was in one and is in none any more was removed.
func (n *Node) configured(configuration raft.Configuration) {
	n.leadership.look()
	id := raft.ServerID(n.self().NodeID)
	if contains(configuration, id) {
		n.isMember.Store(true)
		return
	}
	engine := n.engine()
	if n.isMember.Load() && (engine == nil || !contains(engine.GetConfiguration().Configuration(), id)) {
		n.fatal(errRemoved(string(id)))
	}
}

func contains(configuration raft.Configuration, id raft.ServerID) bool {
	for _, server := range configuration.Servers {
		if server.ID == id {
			return true
		}
	}
	return false
}

func errRemoved(id string) error {
	return fmt.Errorf("node %s was removed from its cluster; to use this machine again, start it with an empty data directory and add it as a new node", id)
}

// The watchdog's limits: a leader whose disk hangs cannot step down, so the process must end before sessions do.
const (
	watchdogInterval  = 5 * time.Second
	watchdogMost      = 2 * time.Second
	watchdogTTLPart   = 5
	watchdogElections = 2 // at least so many election timeouts: an fsync that is merely slow must not end the process
)

// tuneWatchdog keeps the limit for one write to the log at a fifth of the shortest session TTL, within bounds.
func (n *Node) tuneWatchdog(ctx context.Context) {
	ticker := time.NewTicker(watchdogInterval)
	defer ticker.Stop()
	for {
		limit := watchdogMost
		if ttl, ok := n.machine.SmallestSessionTTL(); ok {
			limit = min(limit, time.Duration(ttl)*time.Millisecond/watchdogTTLPart)
		}
		n.stores.SetWriteLimit(max(limit, watchdogElections*n.config.RaftTimeout))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
