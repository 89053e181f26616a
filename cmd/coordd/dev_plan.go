package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/store"
)

// reserveDevPorts binds the doors of all nodes and chooses their other addresses. A port in use is told with the flag that moves it.
func reserveDevPorts(flags *devFlags) (plans []plan, err error) {
	defer func() {
		if err != nil {
			closePlans(plans)
			plans = nil
		}
	}()
	memory, err := recallDev(flags.dataDir)
	if err != nil {
		return nil, err
	}
	if err := memory.check(flags.nodes.Value); err != nil {
		return nil, err
	}
	for i := range flags.nodes.Value {
		p := plan{node: raftnode.DefaultConfig()}
		plans = append(plans, p)
		at := &plans[i]
		if at.redis, err = listen("--redis-port", devAddress(flags, flags.redisPort, i)); err != nil {
			return plans, err
		}
		if at.http, err = listen("--http-port", devAddress(flags, flags.httpPort, i)); err != nil {
			return plans, err
		}
		if at.node.PeerAddress, err = memory.peerAddress(i, devAddress(flags, flags.peerPort, i)); err != nil {
			return plans, err
		}
		if at.node.PeerAddress, err = devReserve("--peer-port", at.node.PeerAddress, false); err != nil {
			return plans, err
		}
		if at.node.GossipAddress, err = devReserve("--gossip-port", devAddress(flags, flags.gossipPort, i), true); err != nil {
			return plans, err
		}
	}
	return plans, nil
}

// devAddress is the loopback address of the i-th node.
func devAddress(flags *devFlags, first options.Number, i int) string {
	number := 0
	if first.Value != 0 {
		number = first.Value + flags.offset.Value + i
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(number))
}

// devReserve checks an address that the node binds later, and chooses its port when that is 0.
func devReserve(flagName, address string, udp bool) (string, error) {
	address, err := chosenAddress(address)
	if err != nil {
		return "", portFailure(flagName, address, err)
	}
	return address, probe(flagName, address, udp)
}

func closePlans(plans []plan) {
	for i := range plans {
		plans[i].close()
	}
}

// startDev starts the nodes; when one cannot start, those before it are stopped again.
func startDev(flags *devFlags, plans []plan, folder string, logs io.Writer) (*devCluster, error) {
	logger, err := flags.logs.logger(logs)
	if err == nil {
		err = rememberDev(flags.dataDir, plans)
	}
	if err != nil {
		closePlans(plans)
		return nil, err
	}
	cluster := &devCluster{}
	var gossip []string
	for _, p := range plans {
		gossip = append(gossip, p.node.GossipAddress)
	}
	for i, p := range plans {
		name := fmt.Sprintf("n%d", i+1)
		p.logger = logger.With("node", name)
		p.node.ClusterName, p.node.NodeID, p.node.DataDir, p.node.Version = "dev", name, filepath.Join(folder, name), readBuild().Version
		p.node.Join, p.node.BootstrapExpect, p.node.LogStore = gossip, len(plans), store.Kind(flags.logStore.Value)
		p.node.RedisAdvertise, p.node.HTTPAdvertise = p.redis.Addr().String(), p.http.Addr().String()
		node, err := start(p)
		if err != nil {
			closePlans(plans[i+1:])
			_ = cluster.stop() // the reason why it started to stop is what matters
			return nil, err
		}
		cluster.nodes = append(cluster.nodes, node)
	}
	return cluster, nil
}
