package network

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// insideVariable tells the test program that it was started again, in a network namespace of its own.
const insideVariable = "COORDD_TEST_NETWORK_NAMESPACE"

func TestFaultsBetweenNamespaces(t *testing.T) {
	if os.Getenv(insideVariable) != "" {
		faultsBetweenNamespaces(t)
		return
	}
	if missing := NamespacesMissing(); missing != "" {
		t.Skip(missing)
	}
	again := exec.Command(os.Args[0], "-test.run", "^TestFaultsBetweenNamespaces$", "-test.v", "-test.timeout", "60s")
	again.Env = append(os.Environ(), insideVariable+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	output, err := again.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: TestFaultsBetweenNamespaces") {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestANetworkThatIsSomebodysIsLeftAlone(t *testing.T) {
	if missing := NamespacesMissing(); missing != "" {
		t.Skip(missing)
	}
	devices, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(devices, func(device net.Interface) bool {
		return device.Flags&net.FlagLoopback == 0 && device.Flags&net.FlagUp != 0
	}) {
		t.Skip("this machine has no network that could be taken for a new namespace")
	}
	if _, err := NewNamespaces(1); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("a router in the machine's own network: %v, want that it is left alone", err)
	}
}

// faultsBetweenNamespaces runs in a namespace of its own.
func faultsBetweenNamespaces(t *testing.T) {
	made, err := NewNamespaces(1)
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	a, b := newEnd(t, made, "a"), newEnd(t, made, "b")
	t.Run("cut one way", func(t *testing.T) {
		made.Set("a", "b", Gossip, Fault{Cut: Drop})
		for range 5 {
			a.send(b, "nothing")
		}
		await(t, "five packets that met the cut", func() bool { return made.Effects().Cut == 5 })
		b.send(a, "the other way")
		a.receive("the other way")
		made.Heal()
		a.send(b, "healed")
		b.receive("healed")
	})
	t.Run("twice", func(t *testing.T) {
		made.Set("a", "b", Gossip, Fault{Duplicate: 1})
		a.send(b, "twice")
		b.receive("twice")
		b.receive("twice")
		if effects := made.Effects(); effects.Duplicated != 1 {
			t.Errorf("%+v, want one duplicate", effects)
		}
		made.Heal()
	})
	t.Run("another order", func(t *testing.T) {
		made.Set("a", "b", Gossip, Fault{Jitter: 200 * time.Millisecond})
		var sent, got []string
		for i := range 50 {
			sent = append(sent, strconv.Itoa(i))
			a.send(b, sent[i])
		}
		for range sent {
			got = append(got, b.next())
		}
		effects := made.Effects()
		if slices.Equal(sent, got) || effects.Reordered == 0 || effects.Delayed < 50 {
			t.Errorf("%+v, and they came as %v", effects, got)
		}
		made.Heal()
	})
	t.Run("loss", func(t *testing.T) {
		made.Set("a", "b", Gossip, Fault{Loss: 0.5})
		for range 200 {
			a.send(b, "perhaps")
		}
		made.Heal()
		if lost := made.Effects().Lost; lost < 40 || lost > 160 {
			t.Errorf("%d of 200 were lost, want about half", lost)
		}
	})
	t.Run("planes and resets", func(t *testing.T) { resetsBetweenNamespaces(t, made, a, b) })
	if err := made.Inside("nobody", func() error { return nil }); err == nil {
		t.Error("something was done in the namespace of nobody")
	}
	if err := made.Err(); err != nil {
		t.Error(err)
	}
}

func resetsBetweenNamespaces(t *testing.T, made Network, a, b *end) {
	peers, clients := b.listen(peerPort), b.listen(redisPort)
	defer peers.Close()
	defer clients.Close()
	stream, err := a.dial(b, peerPort)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	made.Set("a", "b", Peer, Fault{Cut: Reset})
	stream.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = stream.Write([]byte("into the cut"))
	if _, err := stream.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a stream over a link that resets: %v, want a reset", err)
	}
	if _, err := a.dial(b, peerPort); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a dial over a link that resets: %v, want a refusal", err)
	}
	if made.Effects().Reset < 2 {
		t.Errorf("%+v, want two resets", made.Effects())
	}
	other, err := a.dial(b, redisPort)
	if err != nil {
		t.Fatalf("the plane of clients, which was not cut: %v", err)
	}
	other.Close()
}

// end is one namespace, with a socket for datagrams.
type end struct {
	t       *testing.T
	made    Network
	name    string
	host    string
	packets net.PacketConn
}

func newEnd(t *testing.T, made Network, name string) *end {
	addresses, err := made.AddNode(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	host, _, err := net.SplitHostPort(addresses.Gossip)
	if err != nil {
		t.Fatal(err)
	}
	e := &end{t: t, made: made, name: name, host: host}
	e.inside(func() (err error) {
		e.packets, err = net.ListenPacket("udp", addresses.Gossip)
		return err
	})
	t.Cleanup(func() { e.packets.Close() })
	return e
}

func (e *end) inside(do func() error) {
	e.t.Helper()
	if err := e.made.Inside(e.name, do); err != nil {
		e.t.Fatal(err)
	}
}

func (e *end) send(to *end, text string) {
	e.t.Helper()
	if _, err := e.packets.WriteTo([]byte(text), to.packets.LocalAddr()); err != nil {
		e.t.Fatal(err)
	}
}

func (e *end) next() string {
	e.t.Helper()
	buffer := make([]byte, 100)
	e.packets.SetReadDeadline(time.Now().Add(10 * time.Second))
	size, _, err := e.packets.ReadFrom(buffer)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(buffer[:size])
}

func (e *end) receive(want string) {
	e.t.Helper()
	if got := e.next(); got != want {
		e.t.Fatalf("got %q, want %q", got, want)
	}
}

func (e *end) listen(port int) (listener net.Listener) {
	e.t.Helper()
	e.inside(func() (err error) {
		listener, err = net.Listen("tcp", fmt.Sprintf("%s:%d", e.host, port))
		return err
	})
	return listener
}

func (e *end) dial(to *end, port int) (conn net.Conn, err error) {
	e.inside(func() error {
		conn, err = net.DialTimeout("tcp", fmt.Sprintf("%s:%d", to.host, port), 5*time.Second)
		return nil
	})
	return conn, err
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for begin := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Without one of them the runs in namespaces are skipped, on the very machine that is to make them.
func TestTheMachineOfACheckIsGivenWhatNamespacesNeed(t *testing.T) {
	script, err := os.ReadFile("../../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	for program, pack := range namespacePrograms {
		if pair := program + ":" + pack; !regexp.MustCompile(`\s` + pair + `[\s;]`).Match(script) {
			t.Errorf(".ci/run does not install %s", pair)
		}
	}
}
