package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// etcdMember is one etcd over all its processes.
type etcdMember struct {
	name, folder       string
	client, peer, door string // where it listens, and where the others reach it
	child              *process.Process
}

func (m *etcdMember) running() bool { return m.child != nil && m.child.Running() }

// etcdSystem is three members with etcd's own settings, whose links can be cut.
type etcdSystem struct {
	program string
	group   *process.Group
	net     *network.Net
	members []*etcdMember
}

func newEtcd(program string, group *process.Group, net *network.Net, folder string) (*etcdSystem, error) {
	s := &etcdSystem{program: program, group: group, net: net}
	for i := range 3 {
		addresses := make([]string, 3)
		for j := range addresses {
			var err error
			if addresses[j], err = freeport.Address(); err != nil {
				return nil, err
			}
		}
		name := "etcd-" + strconv.Itoa(i+1)
		s.members = append(s.members, &etcdMember{name: name, folder: filepath.Join(folder, name), client: addresses[0], peer: addresses[1], door: addresses[2]})
	}
	for _, member := range s.members {
		if err := net.Listen(network.Peer, member.name, member.door, member.peer, network.ByOwner(s.processes)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *etcdSystem) processes() map[int]string {
	names := map[int]string{}
	for _, member := range s.members {
		if member.child != nil {
			names[member.child.PID()] = member.name
		}
	}
	return names
}

func (s *etcdSystem) launch(member *etcdMember) error {
	var all []string
	for _, one := range s.members {
		all = append(all, one.name+"=http://"+one.door)
	}
	var err error
	member.child, err = s.group.Start(process.Spec{Name: member.name, Path: s.program, Args: []string{
		"--name", member.name, "--data-dir", member.folder, "--log-level", "warn",
		"--listen-client-urls", "http://" + member.client, "--advertise-client-urls", "http://" + member.client,
		"--listen-peer-urls", "http://" + member.peer, "--initial-advertise-peer-urls", "http://" + member.door,
		"--initial-cluster", strings.Join(all, ","), "--initial-cluster-state", "new",
	}})
	if err != nil {
		return err
	}
	return s.net.Up(member.name)
}

func (s *etcdSystem) kill(member *etcdMember) {
	s.net.Down(member.name)
	member.child.Kill()
}

func (s *etcdSystem) start(ctx context.Context) ([]string, error) {
	var endpoints []string
	for _, member := range s.members {
		if err := s.launch(member); err != nil {
			return nil, err
		}
		endpoints = append(endpoints, member.client)
	}
	for _, member := range s.members {
		if err := s.healthy(ctx, member); err != nil {
			return nil, err
		}
	}
	return endpoints, nil
}

// healthy waits until a member says that it serves.
func (s *etcdSystem) healthy(ctx context.Context, member *etcdMember) error {
	for {
		var answer struct {
			Health string `json:"health"`
		}
		err := ask(ctx, http.MethodGet, "http://"+member.client+"/health", &answer)
		if err == nil && answer.Health == "true" {
			return nil
		}
		if !member.running() {
			return fmt.Errorf("%s ended; its log:\n%s", member.name, member.child.LogTail(8))
		}
		if cluster.Pause(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("%s is not healthy: %w", member.name, errors.Join(context.Cause(ctx), err))
		}
	}
}

var askingClient = &http.Client{Timeout: time.Second}

// ask sends an empty question and reads JSON.
func ask(ctx context.Context, method, url string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	response, err := askingClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(answer)
}

// leader waits for a member that says that it leads.
func (s *etcdSystem) leader(ctx context.Context) (*etcdMember, error) {
	for {
		for _, member := range s.members {
			if !member.running() {
				continue
			}
			var status struct {
				Leader string `json:"leader"`
				Header struct {
					Member string `json:"member_id"`
				} `json:"header"`
			}
			if err := ask(ctx, http.MethodPost, "http://"+member.client+"/v3/maintenance/status", &status); err == nil && status.Leader != "" && status.Leader == status.Header.Member {
				return member, nil
			}
		}
		if err := cluster.Pause(ctx, 20*time.Millisecond); err != nil {
			return nil, fmt.Errorf("no member of etcd says that it leads: %w", err)
		}
	}
}

func (s *etcdSystem) rolling(ctx context.Context, held func(context.Context) error) error {
	if err := held(ctx); err != nil {
		return err
	}
	for _, member := range s.members {
		s.kill(member)
		if err := s.launch(member); err != nil {
			return err
		}
		if err := s.healthy(ctx, member); err != nil {
			return err
		}
	}
	return nil
}

func (s *etcdSystem) failover(ctx context.Context, held func(context.Context) error) error {
	again, err := s.lose(ctx, func() error { return cutOff(ctx, held) }, true)
	if err != nil {
		return err
	}
	if err := cluster.Pause(ctx, time.Second); err != nil {
		return err
	}
	return again(ctx)
}

// lose takes the leader away: its links to the others are cut, then, after a while that between bounds, it may be killed too. What it returns brings it back.
func (s *etcdSystem) lose(ctx context.Context, between func() error, kill bool) (again func(context.Context) error, err error) {
	leader, err := s.leader(ctx)
	if err != nil {
		return nil, err
	}
	for _, other := range s.members {
		if other != leader {
			s.net.Set(leader.name, other.name, network.Peer, network.Fault{Cut: network.Drop})
			s.net.Set(other.name, leader.name, network.Peer, network.Fault{Cut: network.Drop})
		}
	}
	if err := between(); err != nil {
		return nil, err
	}
	if kill {
		s.kill(leader)
		s.net.Heal()
	}
	return func(ctx context.Context) error {
		s.net.Heal()
		if !leader.running() {
			if err := s.launch(leader); err != nil {
				return err
			}
		}
		return s.healthy(ctx, leader)
	}, nil
}

// loseLeader implements loser.
func (s *etcdSystem) loseLeader(ctx context.Context, how string) (at int64, again func(context.Context) error, err error) {
	if how == LossCut {
		again, err = s.lose(ctx, func() error {
			at = history.Now()
			return nil
		}, false)
		return at, again, err
	}
	leader, err := s.leader(ctx)
	if err != nil {
		return 0, nil, err
	}
	s.net.Down(leader.name)
	at, err = kill(leader.child.PID())
	s.kill(leader) // waits until it is gone
	return at, func(ctx context.Context) error {
		if err := s.launch(leader); err != nil {
			return err
		}
		return s.healthy(ctx, leader)
	}, err
}
