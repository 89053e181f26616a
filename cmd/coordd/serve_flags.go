package main

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/store"
)

// off is what an address flag says when its port is not wanted.
const off = "off"

// serveFlags are all settings of `coordd serve`, as the three places they come from filled them.
type serveFlags struct {
	config string

	clusterName, nodeID string
	dataDir             string
	bootstrapExpect     options.Number
	join                options.List

	redisAddr, httpAddr, peerAddr, gossipAddr                                     options.Text
	advertiseRedisAddr, advertiseHTTPAddr, advertisePeerAddr, advertiseGossipAddr options.Text

	users, operators                options.List
	usersFile                       string
	tlsCert, tlsKey, tlsClientCA    string
	peerTLSCert, peerTLSKey, peerCA string
	gossipKey                       options.Text
	insecure                        bool

	logStore                         options.Choice
	electionTimeout                  options.Duration
	snapshotEntries, trailingEntries options.Number
	logs                             logFlags
	asJSON                           bool
}

// declareServe adds the flags of serve to a set.
func declareServe(set *options.Set) *serveFlags {
	f := &serveFlags{}
	set.Environment = true
	set.StringVar(&f.config, "config", "", "TOML file with settings named like these flags; flags and environment win over it")
	set.NotInFile("config", "json")
	set.Variable("json", "")
	f.declareCluster(set)
	f.declareAddresses(set)
	f.declareSecurity(set)
	f.declareEngine(set)
	set.BoolVar(&f.asJSON, "json", false, "write what is listened on, and readiness, as lines of JSON to stdout")
	return f
}

func (f *serveFlags) declareCluster(set *options.Set) {
	f.bootstrapExpect = options.Number{AtMost: 9}
	f.join = options.List{Check: options.CheckAddress, Placeholder: "HOST:PORT,…"}
	set.StringVar(&f.clusterName, "cluster-name", raftnode.DefaultClusterName, "nodes of another name are refused")
	set.StringVar(&f.nodeID, "node-id", "", "name of this node, for an empty data directory; a random one is made when it is not given")
	set.StringVar(&f.dataDir, "data-dir", "", "directory for everything this node must remember; required, and for this node alone")
	set.Var(&f.join, "join", "nodes to contact at start: their gossip addresses, or with --gossip-addr off their peer addresses")
	set.Var(&f.bootstrapExpect, "bootstrap-expect", "found a new cluster as soon as exactly so many empty nodes see each other; without it, wait to be added")
}

func (f *serveFlags) declareAddresses(set *options.Set) {
	listen := func(target *options.Text, name, address, what string, check func(string) error) {
		*target = options.Text{Value: address, Placeholder: "HOST:PORT", Check: check}
		set.Var(target, name, what)
	}
	listen(&f.redisAddr, "redis-addr", "127.0.0.1:7379", "where Redis clients connect", options.CheckAddress)
	listen(&f.httpAddr, "http-addr", "127.0.0.1:7480", "where health, readiness and metrics are served, or off", checkAddressOrOff)
	listen(&f.peerAddr, "peer-addr", "127.0.0.1:7580", "where other nodes connect", options.CheckAddress)
	listen(&f.gossipAddr, "gossip-addr", "127.0.0.1:7680", "where nodes find each other (TCP and UDP), or off", checkAddressOrOff)
	listen(&f.advertiseRedisAddr, "advertise-redis-addr", "", "what others are told instead of --redis-addr", options.CheckAddress)
	listen(&f.advertiseHTTPAddr, "advertise-http-addr", "", "what others are told instead of --http-addr", options.CheckAddress)
	listen(&f.advertisePeerAddr, "advertise-peer-addr", "", "what others dial instead of --peer-addr; it stays with the node in the cluster's configuration", options.CheckAddress)
	listen(&f.advertiseGossipAddr, "advertise-gossip-addr", "", "what others use instead of --gossip-addr", options.CheckAddress)
}

func (f *serveFlags) declareSecurity(set *options.Set) {
	f.users = options.List{Check: checkUser, Whole: true, Hidden: true, Placeholder: "NAME:PASSWORD"}
	f.operators = options.List{Check: checkUser, Whole: true, Hidden: true, Placeholder: "NAME:PASSWORD"}
	f.gossipKey = options.Text{Hidden: true, Placeholder: "BASE64", Check: checkGossipKey}
	set.Var(&f.users, "user", "who may use locks; may be repeated. Better in --users-file, since arguments can be seen by others")
	set.Var(&f.operators, "operator", "who may also add and remove members and hand leadership over; may be repeated")
	// The plain names are those of the client's credentials.
	set.Variable("user", "COORDD_SERVE_USER")
	set.Variable("operator", "COORDD_SERVE_OPERATOR")
	set.StringVar(&f.usersFile, "users-file", "", "file with a line \"user NAME:PASSWORD\" or \"operator NAME:PASSWORD\" for each")
	set.StringVar(&f.tlsCert, "tls-cert", "", "certificate of the Redis and HTTP ports (PEM)")
	set.StringVar(&f.tlsKey, "tls-key", "", "its key")
	set.StringVar(&f.tlsClientCA, "tls-client-ca", "", "authorities whose certificates clients must show (PEM)")
	set.StringVar(&f.peerTLSCert, "peer-tls-cert", "", "certificate of this node for the peer port (PEM)")
	set.StringVar(&f.peerTLSKey, "peer-tls-key", "", "its key")
	set.StringVar(&f.peerCA, "peer-tls-ca", "", "authorities that sign the certificates of nodes, and nothing else (PEM)")
	set.Var(&f.gossipKey, "gossip-key", "32 random bytes in base64 that encrypt gossip")
	set.BoolVar(&f.insecure, "insecure", false, "listen beyond loopback without users or certificates, in a network that is trusted")
}

func (f *serveFlags) declareEngine(set *options.Set) {
	f.logStore = options.Choice{Value: string(store.Bolt), Of: []string{string(store.Bolt), string(store.WAL)}}
	f.electionTimeout = options.Duration{Value: raftnode.DefaultRaftTimeout, AtLeast: 50 * time.Millisecond, AtMost: time.Minute}
	f.snapshotEntries = options.Number{AtMost: 1 << 30}
	f.trailingEntries = options.Number{AtMost: 1 << 30}
	set.Var(&f.logStore, "log-store", "how Raft's log is stored; a data directory keeps the kind it began with")
	set.Var(&f.electionTimeout, "election-timeout", "how long a follower waits for its leader; longer than the slowest usual fsync")
	set.Var(&f.snapshotEntries, "snapshot-entries", "log entries that make a snapshot worth taking; 0 means 8192")
	set.Var(&f.trailingEntries, "trailing-entries", "log entries kept after a snapshot; 0 means 8192")
	f.logs.declare(set, "info")
}

func checkAddressOrOff(text string) error {
	if text == off {
		return nil
	}
	return options.CheckAddress(text)
}

func checkUser(text string) error {
	name, password, found := strings.Cut(text, ":")
	if !found || name == "" || password == "" {
		return errors.New("a user is NAME:PASSWORD, neither of them empty")
	}
	return nil
}

// gossipKeyBytes is the length of a key that gossip takes.
const gossipKeyBytes = 32

func checkGossipKey(text string) error {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != gossipKeyBytes {
		return errors.New("the key is 32 random bytes in base64; make one with: head -c 32 /dev/urandom | base64")
	}
	return nil
}
