package compare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/network"
	"github.com/coordd/coordd/test/jepsen-lite/wallclock"
)

// system is a lock service under test.
type system interface {
	// start starts its servers and returns the endpoints of its clients.
	start(ctx context.Context) ([]string, error)
	// rolling restarts its servers, one after the other, beginning when held says that a lock was just taken.
	rolling(ctx context.Context, held func(context.Context) error) error
	// failover cuts the server that matters most off from its followers, and kills it a moment later, when held says that a lock was just taken, or when no lock can be taken any
	// more.
	failover(ctx context.Context, held func(context.Context) error) error
}

// coorddSystem is three nodes.
type coorddSystem struct {
	cluster *cluster.Cluster
	net     *network.Net
	ahead   time.Duration // of its nodes' wall clocks
}

func (s *coorddSystem) start(ctx context.Context) ([]string, error) {
	if err := s.cluster.Start(); err != nil {
		return nil, err
	}
	return s.endpoints(), s.cluster.WaitReady(ctx, s.cluster.Nodes()...)
}

func (s *coorddSystem) endpoints() []string {
	var endpoints []string
	for _, node := range s.cluster.Nodes() {
		endpoints = append(endpoints, node.RedisAddr)
	}
	return endpoints
}

func (s *coorddSystem) rolling(ctx context.Context, held func(context.Context) error) error {
	if err := held(ctx); err != nil {
		return err
	}
	for _, node := range s.cluster.Nodes() {
		node.Kill()
		if err := node.Start(); err != nil {
			return err
		}
		if err := s.cluster.WaitReady(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

func (s *coorddSystem) failover(ctx context.Context, held func(context.Context) error) error {
	leader, err := s.cluster.Leader(ctx)
	if err != nil {
		return err
	}
	for _, other := range s.cluster.Nodes() {
		if other != leader {
			s.net.Set(leader.Name, other.Name, network.Peer, network.Fault{Cut: network.Drop})
			s.net.Set(other.Name, leader.Name, network.Peer, network.Fault{Cut: network.Drop})
		}
	}
	if err := cutOff(ctx, held); err != nil {
		return err
	}
	leader.Kill()
	s.net.Heal()
	if err := cluster.Pause(ctx, time.Second); err != nil {
		return err
	}
	if err := leader.Start(); err != nil {
		return err
	}
	return s.cluster.WaitReady(ctx, leader)
}

// cutBefore is how long a server is cut off from its followers before it dies, if nobody takes a lock meanwhile.
const cutBefore = 2 * time.Second

// cutOff waits until somebody takes a lock although the server is cut off, which a server that asks its followers does not allow.
func cutOff(ctx context.Context, held func(context.Context) error) error {
	waiting, cancel := context.WithTimeout(ctx, cutBefore)
	defer cancel()
	if err := held(waiting); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// redisServer is one redis-server that keeps nothing on disk.
type redisServer struct {
	name, address string
	folder        string
	group         *process.Group
	child         *process.Process

	clock *wallclock.Clock // nil for the machine's own
	ahead time.Duration    // of its wall clock
}

// newRedisServer prepares a server. Its wall clock can be set if there is a library for that.
func newRedisServer(group *process.Group, folder string, number int, library string) (*redisServer, error) {
	address, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	server := &redisServer{name: "redis-" + strconv.Itoa(number+1), address: address, folder: folder, group: group}
	if library != "" {
		server.clock, err = wallclock.New(library, filepath.Join(folder, server.name+".ahead"))
	}
	return server, err
}

func (r *redisServer) start(ctx context.Context, settings ...string) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("redis-server is not installed (Debian: apt-get install redis-server)")
	}
	folder := filepath.Join(r.folder, r.name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	_, port, _ := strings.Cut(r.address, ":")
	spec := process.Spec{Name: r.name, Path: path, Args: append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no", "--daemonize", "no", "--repl-diskless-sync-delay", "0",
	}, settings...)}
	if r.clock != nil {
		spec.Env = r.clock.Environment()
	}
	r.child, err = r.group.Start(spec)
	if err != nil {
		return err
	}
	for {
		if conn, err := net.Dial("tcp", r.address); err == nil {
			return conn.Close()
		}
		if !r.child.Running() {
			return fmt.Errorf("%s ended; its log:\n%s", r.name, r.child.LogTail(8))
		}
		if err := cluster.Pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// tell sends one command, and returns the lines of a short answer.
func (r *redisServer) tell(words ...string) (lines []string, err error) {
	conn, err := net.DialTimeout("tcp", r.address, time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", strings.Join(words, " ")); err != nil {
		return nil, err
	}
	answer := make([]byte, 64)
	count, err := conn.Read(answer)
	if err == nil && answer[0] == '-' {
		err = fmt.Errorf("%s: %s", r.name, answer[:count])
	}
	return strings.Split(string(answer[:count]), "\r\n"), err
}

// redlockSystem is five independent servers.
type redlockSystem struct{ servers []*redisServer }

func newRedlock(group *process.Group, folder, library string) (*redlockSystem, error) {
	s := &redlockSystem{}
	for i := range 5 {
		server, err := newRedisServer(group, folder, i, library)
		if err != nil {
			return nil, err
		}
		s.servers = append(s.servers, server)
	}
	return s, nil
}

// majority are the fewest servers that decide.
func (s *redlockSystem) majority() []*redisServer { return s.servers[:len(s.servers)/2+1] }

func (s *redlockSystem) start(ctx context.Context) ([]string, error) {
	var endpoints []string
	for _, server := range s.servers {
		if err := server.start(ctx); err != nil {
			return nil, err
		}
		endpoints = append(endpoints, server.address)
	}
	return endpoints, nil
}

func (s *redlockSystem) rolling(ctx context.Context, held func(context.Context) error) error {
	if err := held(ctx); err != nil {
		return err
	}
	for _, server := range s.servers {
		server.child.Kill()
		if err := server.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// failover has no meaning for servers that know nothing of each other: a majority of them dies and comes back.
func (s *redlockSystem) failover(ctx context.Context, held func(context.Context) error) error {
	if err := held(ctx); err != nil {
		return err
	}
	for _, server := range s.majority() {
		server.child.Kill()
	}
	for _, server := range s.majority() {
		if err := server.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// failoverSystem is a primary with a replica behind one address that leads to the primary.
type failoverSystem struct {
	net              *network.Net
	servers          [2]*redisServer
	primary, replica int
	address          string // of the primary, for clients
	replication      [2]string
}

func newFailover(group *process.Group, folder string, net *network.Net, library string) (*failoverSystem, error) {
	s := &failoverSystem{net: net, replica: 1}
	var err error
	for i := range s.servers {
		if s.servers[i], err = newRedisServer(group, folder, i, library); err != nil {
			return nil, err
		}
		if s.replication[i], err = freeport.Address(); err != nil {
			return nil, err
		}
	}
	s.address, err = freeport.Address()
	return s, err
}

const primaryDoor = "primary"

func (s *failoverSystem) start(ctx context.Context) ([]string, error) {
	for i, server := range s.servers {
		if err := server.start(ctx); err != nil {
			return nil, err
		}
		if err := s.net.Listen(network.Peer, server.name, s.replication[i], server.address, network.From("replica")); err != nil {
			return nil, err
		}
	}
	if err := s.net.Listen(network.Client, primaryDoor, s.address, s.servers[0].address, network.From("clients")); err != nil {
		return nil, err
	}
	return []string{s.address}, s.follow()
}

// follow lets the replica follow the primary, through a link that can be cut.
func (s *failoverSystem) follow() error {
	host, port, err := net.SplitHostPort(s.replication[s.primary])
	if err != nil {
		return err
	}
	_, err = s.servers[s.replica].tell("REPLICAOF", host, port)
	return err
}

// rolling is what one does by hand: restart the replica, then fail over, then restart the other.
func (s *failoverSystem) rolling(ctx context.Context, held func(context.Context) error) error {
	return s.failover(ctx, held)
}

func (s *failoverSystem) failover(ctx context.Context, held func(context.Context) error) error {
	primary, replica := s.servers[s.primary], s.servers[s.replica]
	s.net.Set("replica", primary.name, network.Peer, network.Fault{Cut: network.Drop})
	s.net.Set(primary.name, "replica", network.Peer, network.Fault{Cut: network.Drop})
	if err := cutOff(ctx, held); err != nil {
		return err
	}
	primary.child.Kill()
	if _, err := replica.tell("REPLICAOF", "NO", "ONE"); err != nil {
		return err
	}
	s.net.Redirect(primaryDoor, replica.address)
	s.net.Heal()
	if err := primary.start(ctx); err != nil {
		return err
	}
	s.primary, s.replica = s.replica, s.primary
	return s.follow()
}
