package raftnode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coordd/coordd/raftnode/bootstrap"
	"github.com/coordd/coordd/raftnode/gossip"
	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/raft"
)

// discoverInterval is how often a node without a cluster looks whether it has found one.
const discoverInterval = 250 * time.Millisecond

// startGossip joins the gossip, when the node is configured for it. Nobody has to answer: others may start later.
func (n *Node) startGossip() (err error) {
	if n.config.GossipAddress == "" {
		return nil
	}
	n.gossip, err = gossip.Start(gossip.Config{
		NodeID: string(n.self().NodeID), Meta: n.gossipMeta(), ListenAddress: n.config.GossipAddress, AdvertiseAddress: n.config.GossipAdvertise,
		Seeds: n.config.Join, SecretKey: n.config.GossipKey, OnConflict: n.contested, Logger: n.hclog("gossip"),
	})
	if err != nil {
		return err
	}
	return nil
}

func (n *Node) gossipMeta() gossip.Meta {
	return gossip.Meta{
		PeerAddress: n.self().Address, RedisAddress: n.config.RedisAdvertise, HTTPAddress: n.config.HTTPAdvertise, ClusterName: n.config.ClusterName, ClusterID: n.clusterID(),
	}
}

// prepareFounding makes this node's part in the founding protocol. It answers other founders for as long as the node lives.
func (n *Node) prepareFounding() error {
	config := bootstrap.Config{
		Self: n.self(), Expect: n.config.BootstrapExpect, Notes: n.dir, Caller: n.port, Configuration: n.knownMembers, Logger: n.hclog("bootstrap"),
	}
	switch {
	case n.gossip != nil:
		config.Discover, config.Changed = n.discoverGossip, n.gossip.Changed()
	case n.clusterID() == "":
		static := bootstrap.NewStatic(n.port, n.self().Address, n.config.Join)
		config.Discover, config.Changed = static.Seen, static.Changed()
		n.tasks.Go(func() { n.runStatic(static) })
	}
	founding, err := bootstrap.New(config)
	if err != nil {
		return err
	}
	n.founding.Store(founding)
	return nil
}

// discoverGossip is what gossip shows, for founding. It triggers, it never decides.
func (n *Node) discoverGossip() []bootstrap.Sighting {
	var sightings []bootstrap.Sighting
	for _, member := range n.gossip.Members() {
		if member.Alive() {
			sightings = append(sightings, bootstrap.Sighting{
				NodeID: peer.NodeID(member.NodeID), PeerAddress: member.Meta.PeerAddress, ClusterName: member.Meta.ClusterName, ClusterID: member.Meta.ClusterID,
			})
		}
	}
	return sightings
}

// findCluster founds the cluster with others, or finds one that exists, until ctx ends. From then on gossip tells the cluster's id, by which nodes that
// start later find it.
func (n *Node) findCluster(ctx context.Context) (err error) {
	if n.config.BootstrapExpect == 0 {
		err = n.adoptCluster(ctx)
	} else {
		_, err = n.founding.Load().Run(ctx)
	}
	if err == nil && n.gossip != nil {
		n.tasks.Go(n.tellCluster)
	}
	return err
}

// tellCluster lets gossip tell the cluster's id. It may wait for others to hear it, so it runs beside the node's start.
func (n *Node) tellCluster() {
	if err := n.gossip.SetMeta(n.gossipMeta()); err != nil {
		n.log.Warn("gossip does not tell the cluster's id yet, so new nodes may not find the cluster through this one", "error", err)
	}
}

// adoptCluster waits until a majority of the voters of a cluster of this name has said that this node's id is new there, and takes the cluster's id over. An
// operator then adds this node. An emptied directory under an id that was a member before is refused for good: it has forgotten its votes (safety case S1).
func (n *Node) adoptCluster(ctx context.Context) error {
	for {
		joined, err := n.founding.Load().Join(ctx)
		if err != nil {
			return err
		}
		if joined {
			return nil
		}
		if pause(ctx, discoverInterval); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// runStatic asks the configured addresses for as long as this node belongs to no cluster.
func (n *Node) runStatic(static *bootstrap.Static) {
	ctx, cancel := context.WithCancel(n.running)
	defer cancel()
	go func() {
		defer cancel()
		for n.clusterID() == "" && ctx.Err() == nil {
			pause(ctx, discoverInterval)
		}
	}()
	static.Run(ctx)
}

// bootstrapIfFounder writes the first configuration of the cluster on the one node that founds it. It may be repeated after a crash.
func (n *Node) bootstrapIfFounder() error {
	known := n.dir.Identity()
	if !known.Founder {
		return nil
	}
	if known.Bootstrapped {
		hasState, err := n.stores.HasState()
		if err == nil && !hasState {
			err = errors.New("the data directory says that this node founded its cluster, but its Raft log is gone: replace the node, with an empty data directory")
		}
		return err
	}
	if known.Promise == nil {
		return errors.New("the data directory names this node a founder without its promise; it was changed by hand or damaged")
	}
	var configuration raft.Configuration
	for _, member := range known.Promise.Members {
		configuration.Servers = append(configuration.Servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(member.NodeID), Address: raft.ServerAddress(member.Address)})
	}
	if err := n.stores.Bootstrap(configuration); err != nil {
		return fmt.Errorf("write the cluster's first configuration: %w", err)
	}
	return n.dir.SetBootstrapped()
}
