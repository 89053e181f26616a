package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/bsm/redislock"
	"github.com/go-redsync/redsync/v4"
	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	redsyncgoredis "github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/compat/cluster"
)

// workplace is where systems run.
type workplace struct {
	group  *process.Group
	folder string
	out    io.Writer
}

// system is something that grants locks.
type system interface {
	// Measure lets so many clients take and release locks of their own.
	Measure(ctx context.Context, clients int, warmUp, duration time.Duration) (*sample, error)
	// PIDs are the processes that serve; the load runs in this one.
	PIDs() []int
}

// cycle takes and releases the lock of one client once.
type cycle func(ctx context.Context, client int) error

// lockTTL is far longer than any cycle.
const lockTTL = 30 * time.Second

// errSkipped is why a system cannot be measured on this machine.
var errSkipped = errors.New("skipped")

func systemNames() []string { return []string{"coordd", "raft", "redsync-sync", "redsync"} }

// startSystem starts the system with that name.
func startSystem(ctx context.Context, name string, p *plan, place *workplace) (system, error) {
	switch name {
	case "coordd":
		return startCoordd(ctx, p, place)
	case "raft":
		return startRaft(ctx, p, place)
	case "redsync-sync":
		return startRedsync(ctx, p, place, name, "--appendonly", "yes", "--appendfsync", "always")
	case "redsync":
		return startRedsync(ctx, p, place, name)
	default:
		return nil, fmt.Errorf("there is no system %q", name)
	}
}

// goSystem is a system whose clients are goroutines of this process.
type goSystem struct {
	cycle   cycle
	servers []*cluster.Node
}

func (s goSystem) PIDs() []int {
	var ids []int
	for _, server := range s.servers {
		ids = append(ids, server.PID())
	}
	return ids
}

func (s goSystem) Measure(ctx context.Context, clients int, warmUp, duration time.Duration) (*sample, error) {
	return load(ctx, clients, warmUp, duration, s.cycle)
}

func startCoordd(ctx context.Context, p *plan, place *workplace) (system, error) {
	binary := p.coordd
	if binary == "" {
		var err error
		if binary, err = cluster.BuildCoordd(ctx, "..", place.folder); err != nil {
			return nil, err
		}
	}
	servers, err := cluster.StartCoordd(ctx, place.group, binary, place.folder, 3, "--log-store", p.logStore)
	if err != nil {
		return nil, err
	}
	addresses := []string{servers.Address}
	if !p.proxy {
		addresses = nil
		for _, node := range servers.Nodes {
			addresses = append(addresses, node.RedisAddr)
		}
	}
	var lockers []*redislock.Client
	for _, address := range addresses {
		lockers = append(lockers, redislock.New(connect(address, p)))
	}
	return goSystem{servers: servers.Nodes, cycle: func(ctx context.Context, client int) error {
		lock, err := lockers[client%len(lockers)].Obtain(ctx, "bench:"+strconv.Itoa(client), lockTTL, nil)
		if err != nil {
			return err
		}
		return lock.Release(ctx)
	}}, nil
}

// connect opens a pool that gives each client a connection of its own.
func connect(address string, p *plan) *redis.Client {
	most := 1
	for _, clients := range p.clients {
		most = max(most, clients)
	}
	return redis.NewClient(&redis.Options{Addr: address, PoolSize: most})
}

func startRedsync(ctx context.Context, p *plan, place *workplace, name string, settings ...string) (system, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, fmt.Errorf("%w: redis-server is not installed (Debian: apt-get install redis-server)", errSkipped)
	}
	var pools []redsyncredis.Pool
	var servers []*cluster.Node
	for number := range 3 {
		server, err := cluster.StartRedis(ctx, place.group, place.folder, name+"-"+strconv.Itoa(number+1), settings...)
		if err != nil {
			return nil, err
		}
		servers = append(servers, server.Nodes...)
		pools = append(pools, redsyncgoredis.NewPool(connect(server.Address, p)))
	}
	locks := redsync.New(pools...)
	return goSystem{servers: servers, cycle: func(ctx context.Context, client int) error {
		mutex := locks.NewMutex("bench:"+strconv.Itoa(client), redsync.WithExpiry(lockTTL))
		if err := mutex.LockContext(ctx); err != nil {
			return err
		}
		_, err := mutex.UnlockContext(ctx)
		return err
	}}, nil
}

func raftFolder(place *workplace, number int) string {
	return filepath.Join(place.folder, "raft-"+strconv.Itoa(number))
}
