package main

import (
	"encoding/base64"
	"net"
	"strings"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/store"
	"github.com/coordd/coordd/transport/peer"
)

// check finds combinations of settings that cannot work, before anything is opened. Every error is a *options.ConfigError.
func (f *serveFlags) check() error {
	switch {
	case f.dataDir == "":
		return options.Configf("--data-dir is missing: name a directory that belongs to this node alone, for example --data-dir /var/lib/coordd")
	case f.bootstrapExpect.Value > 1 && len(f.join.Values) == 0:
		return options.Configf("--bootstrap-expect %d needs --join with the addresses of other nodes, otherwise these nodes never see each other", f.bootstrapExpect.Value)
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return options.Configf("--tls-cert and --tls-key belong together; one of them is missing")
	case f.tlsClientCA != "" && f.tlsCert == "":
		return options.Configf("--tls-client-ca needs TLS: give --tls-cert and --tls-key too")
	case f.peerTLSSet() != 0 && f.peerTLSSet() != 3:
		return options.Configf("--peer-tls-cert, --peer-tls-key and --peer-tls-ca belong together; nodes show each other certificates, so all three are needed")
	case f.gossipAddr.Value == off && f.gossipKey.Value != "":
		return options.Configf("--gossip-key is of no use with --gossip-addr off")
	}
	for _, port := range f.ports() {
		if err := port.checkAdvertised(); err != nil {
			return err
		}
	}
	return f.checkExposure()
}

// peerTLSSet counts how many of the three files of the peer port were named.
func (f *serveFlags) peerTLSSet() (count int) {
	for _, file := range []string{f.peerTLSCert, f.peerTLSKey, f.peerCA} {
		if file != "" {
			count++
		}
	}
	return count
}

// port is one of the four ports: where it listens and what others are told.
type port struct {
	name, listen, advertise string
	udp                     bool
	// guard says what would make it safe to listen beyond loopback; guarded whether that is set.
	guard   string
	guarded bool
}

func (f *serveFlags) ports() []port {
	clients := "--operator NAME:PASSWORD, --users-file FILE or --tls-client-ca FILE"
	clientsGuarded := len(f.users.Values)+len(f.operators.Values) > 0 || f.usersFile != "" || f.tlsClientCA != ""
	return []port{
		{"redis", f.redisAddr.Value, f.advertiseRedisAddr.Value, false, clients, clientsGuarded},
		{"http", f.httpAddr.Value, f.advertiseHTTPAddr.Value, false, clients, clientsGuarded},
		{"peer", f.peerAddr.Value, f.advertisePeerAddr.Value, false, "--peer-tls-cert, --peer-tls-key and --peer-tls-ca", f.peerTLSSet() == 3},
		{"gossip", f.gossipAddr.Value, f.advertiseGossipAddr.Value, true, "--gossip-key BASE64", f.gossipKey.Value != ""},
	}
}

// flag is the flag that moves the port.
func (p port) flag() string { return "--" + p.name + "-addr" }

// checkAdvertised refuses a port that listens on every address of the machine and does not say which one others should use: a guess could name a
// network that they do not reach, and peers would keep it for ever.
func (p port) checkAdvertised() error {
	if p.listen == off || p.advertise != "" {
		return nil
	}
	host, number, err := net.SplitHostPort(p.listen)
	if err != nil {
		return options.Configf("%s %s: %v", p.flag(), p.listen, err)
	}
	if address := net.ParseIP(host); host == "" || address != nil && address.IsUnspecified() {
		return options.Configf("%s %s listens on every address of this machine, so others must be told which one to use: add --advertise-%s-addr HOST:%s",
			p.flag(), p.listen, p.name, number)
	}
	return nil
}

// checkExposure refuses ports that others could reach without showing who they are.
func (f *serveFlags) checkExposure() error {
	if f.insecure {
		return nil
	}
	for _, port := range f.ports() {
		if port.listen != off && !port.guarded && !isLoopback(port.listen) {
			return options.Configf("%s %s can be reached from other machines, and nobody has to show who they are there: set %s, or say --insecure if the network is trusted",
				port.flag(), port.listen, port.guard)
		}
	}
	return nil
}

// isLoopback reports whether only this machine can reach an address. A name other than localhost counts as reachable, whatever it resolves to today.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// nodeConfig is what raftnode is told. redis and http are the addresses of the bound doors, which others are told unless a flag says otherwise.
func (f *serveFlags) nodeConfig(redis, http string) (raftnode.Config, error) {
	config := raftnode.DefaultConfig()
	config.ClusterName, config.NodeID, config.DataDir, config.Version = f.clusterName, f.nodeID, f.dataDir, readBuild().Version
	config.Join, config.BootstrapExpect = f.join.Values, f.bootstrapExpect.Value
	config.PeerAddress, config.PeerAdvertise = f.peerAddr.Value, f.advertisePeerAddr.Value
	if f.gossipAddr.Value != off {
		config.GossipAddress, config.GossipAdvertise = f.gossipAddr.Value, f.advertiseGossipAddr.Value
	}
	config.RedisAdvertise, config.HTTPAdvertise = either(f.advertiseRedisAddr.Value, redis), either(f.advertiseHTTPAddr.Value, http)
	config.LogStore, config.RaftTimeout = store.Kind(f.logStore.Value), f.electionTimeout.Value
	config.SnapshotThreshold, config.TrailingLogs = uint64(f.snapshotEntries.Value), uint64(f.trailingEntries.Value)
	if f.peerTLSSet() == 3 {
		config.TLS = &peer.TLS{CertFile: f.peerTLSCert, KeyFile: f.peerTLSKey, CAFile: f.peerCA}
	}
	key, err := base64.StdEncoding.DecodeString(f.gossipKey.Value)
	if err != nil {
		return config, options.Configf("--gossip-key: %v", err)
	}
	config.GossipKey = key
	if err := config.Validate(); err != nil {
		return config, options.Configf("%v", err)
	}
	return config, nil
}

// either is the first of two texts that says something.
func either(first, second string) string {
	if first != "" {
		return first
	}
	return second
}
