package network

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

var _ Network = (*namespaces)(nil)

// namespacePrograms are the programs that namespaces need, and Debian's packages of them.
var namespacePrograms = map[string]string{"ip": "iproute2", "nft": "nftables"}

// NamespacesMissing says why there can be no namespaces here; empty if there can.
func NamespacesMissing() string {
	if os.Geteuid() != 0 {
		return "network namespaces need root; --network proxies does without"
	}
	for program, pack := range namespacePrograms {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Sprintf("network namespaces need the program %s (Debian: %s); --network proxies does without", program, pack)
		}
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return "network namespaces need the device /dev/net/tun, through which packets come late; --network proxies does without"
	}
	return ""
}

// NewNamespaces makes this process the router between namespaces that it makes. It must have been started in a network namespace of its own, with nothing in it but a loopback device, so that no
// network of the machine is touched. Nothing has a name outside of it, and the kernel removes everything when the process and those that it started are gone, however they end.
func NewNamespaces(seed uint64) (Network, error) {
	devices, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, device := range devices {
		// Some kernels put tunnels that lead nowhere into each new namespace; they are down.
		if device.Flags&net.FlagLoopback == 0 && device.Flags&net.FlagUp != 0 {
			return nil, fmt.Errorf("this network namespace has the device %s: it is somebody's, and is left alone", device.Name)
		}
	}
	s := &namespaces{
		faults: map[link]Fault{}, members: map[string]*member{}, addresses: map[string]string{}, names: map[string]string{}, passages: map[link]*passage{},
		random: rand.New(rand.NewPCG(seed, 7)),
	}
	if err := s.open(); err != nil {
		s.Close()
		return nil, fmt.Errorf("make the router between the namespaces: %w", err)
	}
	s.serving.Go(s.serveLane)
	return s, nil
}

func (s *namespaces) open() error {
	var err error
	if s.home, err = os.Open("/proc/self/ns/net"); err != nil {
		return err
	}
	for setting, value := range map[string]string{"ip_forward": "1", "conf/all/rp_filter": "0", "conf/default/rp_filter": "0", "conf/all/send_redirects": "0", "conf/default/send_redirects": "0"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+setting, []byte(value), 0); err != nil {
			return err
		}
	}
	if s.lane, err = openLane(); err != nil {
		return err
	}
	if err := batch(
		"link set lo up", "addr add "+hubAddress+"/32 dev lo", "link set "+lateDevice+" up",
		fmt.Sprintf("rule add fwmark %d lookup %d", lateMark, lateTable), fmt.Sprintf("route add default dev %s table %d", lateDevice, lateTable),
	); err != nil {
		return err
	}
	return tell("nft", firewall, "-f", "-")
}

// batch lets ip do several things in the namespace of the calling thread.
func batch(lines ...string) error { return tell("ip", strings.Join(lines, "\n")+"\n", "-batch", "-") }

func tell(program, input string, arguments ...string) error {
	command := exec.Command(program, arguments...)
	command.Stdin = strings.NewReader(input)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(output))
	}
	return nil
}

// join gives a name a namespace and an address, unless it has them.
func (s *namespaces) join(name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.members[name]; known != nil {
		return known.address, nil
	}
	number := len(s.members) + 1
	if number > mostMembers {
		return "", fmt.Errorf("there are addresses for %d namespaces, and %s would be one more", mostMembers, name)
	}
	router, address := fmt.Sprintf("198.18.%d.1", number), fmt.Sprintf("198.18.%d.2", number)
	device := "v" + strconv.Itoa(number)
	// The router's namespace is not always that of the process's id, which is one of its threads and may be the one that is away.
	home := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s.home.Fd())
	space, err := s.makeSpace(
		"link set lo up", fmt.Sprintf("link add eth0 type veth peer name %s netns %s", device, home),
		"addr add "+address+"/30 dev eth0", "link set eth0 up", "route add default via "+router,
	)
	if err == nil {
		err = batch("addr add "+router+"/30 dev "+device, "link set "+device+" up")
	}
	if err != nil {
		return "", fmt.Errorf("make the namespace of %s: %w", name, err)
	}
	s.members[name] = &member{address: address, space: space}
	s.addresses[name], s.names[address] = address, name
	return address, nil
}

// makeSpace makes a namespace and lets ip work in it.
func (s *namespaces) makeSpace(lines ...string) (*os.File, error) {
	var space *os.File
	err := s.away(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() (err error) {
		if space, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		return batch(lines...)
	})
	return space, err
}

// away does something in another namespace, on a thread of its own meanwhile.
func (s *namespaces) away(leave, work func() error) error {
	runtime.LockOSThread()
	if err := leave(); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err := work()
	if back := unix.Setns(int(s.home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, fmt.Errorf("come back into the router's namespace: %w", back)) // the thread stays locked, so that nothing else runs on it
	}
	runtime.UnlockOSThread()
	return err
}

// Inside implements Network.
func (s *namespaces) Inside(name string, start func() error) error {
	s.mu.Lock()
	member := s.members[name]
	s.mu.Unlock()
	if member == nil {
		return fmt.Errorf("%s has no namespace", name)
	}
	return s.away(func() error { return unix.Setns(int(member.space.Fd()), unix.CLONE_NEWNET) }, start)
}

// AddNode implements Network.
func (s *namespaces) AddNode(name string, _ func() map[int]string) (Addresses, error) {
	host, err := s.join(name)
	if err != nil {
		return Addresses{}, err
	}
	at := func(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
	return Addresses{Redis: at(redisPort), HTTP: at(httpPort), Peer: at(peerPort), Gossip: at(gossipPort), PeerAdvertise: at(peerPort), GossipAdvertise: at(gossipPort)}, nil
}

// Reach implements Network.
func (s *namespaces) Reach(place, _, upstream string) (string, error) {
	_, err := s.join(place)
	return upstream, err
}

// Set implements Network.
func (s *namespaces) Set(from, to string, plane Plane, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := link{from, to, plane}
	if fault == s.faults[key] {
		return
	}
	if fault == (Fault{}) {
		delete(s.faults, key)
	} else {
		s.faults[key] = fault
	}
	s.enforce()
}

// Heal implements Network.
func (s *namespaces) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) > 0 {
		clear(s.faults)
		s.enforce()
	}
}

// enforce is called with mu held.
func (s *namespaces) enforce() {
	if err := tell("nft", ruleset(s.faults, s.addresses), "-f", "-"); err != nil {
		s.failLocked(fmt.Errorf("tell the firewall what is cut: %w", err))
	}
}

// Effects implements Network.
func (s *namespaces) Effects() Effects {
	s.mu.Lock()
	defer s.mu.Unlock()
	effects := Effects{}
	if err := readCounters(&effects); err != nil {
		s.failLocked(fmt.Errorf("read the counters of the firewall: %w", err))
	}
	effects.Duplicated, effects.Delayed, effects.Reordered = s.duplicated, s.delayed, s.reordered
	effects.Lost += s.overflowed
	return effects
}

// readCounters asks the firewall what it did.
func readCounters(effects *Effects) error {
	output, err := exec.Command("nft", "-j", "list", "counters", "table", "ip", "links").Output()
	if err != nil {
		return err
	}
	var list struct {
		Nftables []struct {
			Counter *struct {
				Name    string
				Packets int64
			}
		}
	}
	if err := json.Unmarshal(output, &list); err != nil {
		return err
	}
	places := map[string]*int64{countCut: &effects.Cut, countLost: &effects.Lost, countReset: &effects.Reset}
	found := 0
	for _, one := range list.Nftables {
		if one.Counter != nil && places[one.Counter.Name] != nil {
			*places[one.Counter.Name] = one.Counter.Packets
			found++
		}
	}
	if found != len(places) {
		return fmt.Errorf("%d of %d counters are there", found, len(places))
	}
	return nil
}

// Close implements Network. The namespaces go when the last process in them does.
func (s *namespaces) Close() {
	if s.lane != nil {
		_ = s.lane.Close()
	}
	s.serving.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, member := range s.members {
		_ = member.space.Close()
	}
	if s.home != nil {
		_ = s.home.Close()
	}
}
