package network

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coordd/coordd/internal/freeport"
)

// echo listens and sends back, line by line, what it gets.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func address(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

type pair struct {
	net.Conn
	lines *bufio.Reader
}

func dial(t *testing.T, address string) *pair {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &pair{conn, bufio.NewReader(conn)}
}

func (p *pair) say(t *testing.T, word string) {
	t.Helper()
	if _, err := io.WriteString(p, word+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (p *pair) hear(t *testing.T, word string) {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != word {
		t.Fatalf("heard %q, %v; want %q", line, err, word)
	}
}

func start(t *testing.T) (*Net, string) {
	t.Helper()
	n := New(1)
	t.Cleanup(n.Close)
	door := address(t)
	if err := n.Listen(Client, "b", door, echo(t), From("a")); err != nil {
		t.Fatal(err)
	}
	return n, door
}

func TestWhatADroppedLinkHoldsArrivesAfterHealing(t *testing.T) {
	for _, direction := range [][2]string{{"a", "b"}, {"b", "a"}} {
		n, door := start(t)
		conn := dial(t, door)
		conn.say(t, "one")
		conn.hear(t, "one")
		n.Set(direction[0], direction[1], Client, Fault{Cut: Drop})
		conn.say(t, "two")
		for n.Effects().Held == 0 {
			time.Sleep(time.Millisecond)
		}
		conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if line, err := conn.lines.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v: heard %q, %v while the link was cut", direction, line, err)
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		n.Heal()
		conn.hear(t, "two")
	}
}

func TestAResetLinkEndsItsStreamsAndRefusesNewOnes(t *testing.T) {
	n, door := start(t)
	conn := dial(t, door)
	conn.say(t, "one")
	conn.hear(t, "one")
	n.Set("b", "a", Client, Fault{Cut: Reset})
	if _, err := conn.lines.ReadString('\n'); err == nil {
		t.Error("the stream lives on")
	}
	if again, err := net.Dial("tcp", door); err == nil { // the reset may come before the dial is done
		defer again.Close()
		again.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := again.Read(make([]byte, 1)); err == nil {
			t.Error("a new stream lives")
		}
	}
	n.Heal()
	healed := dial(t, door)
	healed.say(t, "three")
	healed.hear(t, "three")
	if n.Effects().Reset < 2 {
		t.Errorf("effects %+v, want two resets", n.Effects())
	}
}

func TestDialsToANodeThatIsDownAreRefused(t *testing.T) {
	n, door := start(t)
	n.Down("b")
	if conn, err := net.Dial("tcp", door); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, %v, want a refused dial", conn, err)
	}
	if err := n.Up("b"); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, door)
	conn.say(t, "back")
	conn.hear(t, "back")
}

func TestADelayedLinkKeepsTheOrder(t *testing.T) {
	n, door := start(t)
	n.Set("a", "b", Client, Fault{Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.1})
	conn := dial(t, door)
	begin := time.Now()
	for _, word := range []string{"one", "two", "three", "four"} {
		conn.say(t, word)
	}
	for _, word := range []string{"one", "two", "three", "four"} {
		conn.hear(t, word)
	}
	if took := time.Since(begin); took < 5*time.Millisecond {
		t.Errorf("took %v in spite of the delay", took)
	}
}

func TestANarrowLinkTakesItsTimeAndNoneOnceItIsHealed(t *testing.T) {
	links, door := start(t)
	conn := dial(t, door)
	conn.say(t, "before")
	conn.hear(t, "before")
	const rate, size = 2000, 400
	links.Set("a", "b", Client, Fault{Rate: rate})
	begin := time.Now()
	conn.say(t, strings.Repeat("x", size-1))
	conn.hear(t, strings.Repeat("x", size-1))
	if took := time.Since(begin); took < size*time.Second/rate {
		t.Errorf("%d bytes took %v over a link of %d bytes a second", size, took, rate)
	}
	links.Set("a", "b", Client, Fault{Rate: 1}) // a word takes longer than the test
	conn.say(t, "after")
	links.Heal()
	conn.hear(t, "after")
}

func TestTheKernelTellsWhoDialled(t *testing.T) {
	if !CanTellSenders {
		t.Skip("this system does not tell which process owns a connection")
	}
	n := New(1)
	t.Cleanup(n.Close)
	door := address(t)
	var unknown atomic.Bool
	processes := func() map[int]string {
		if unknown.Load() {
			return nil
		}
		return map[int]string{os.Getpid(): "me"}
	}
	if err := n.Listen(Peer, "b", door, echo(t), ByOwner(processes)); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, door)
	conn.say(t, "one")
	conn.hear(t, "one")
	n.Set("me", "b", Peer, Fault{Cut: Reset})
	if _, err := conn.lines.ReadString('\n'); err == nil {
		t.Error("the stream was not taken for mine")
	}
	unknown.Store(true)
	n.Heal()
	if stranger, err := net.Dial("tcp", door); err == nil {
		defer stranger.Close()
		stranger.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := stranger.Read(make([]byte, 1)); err == nil {
			t.Error("a stranger's stream lives")
		}
	}
	if n.Effects().Strangers != 1 {
		t.Errorf("effects %+v, want one stranger", n.Effects())
	}
}

func TestDatagramsAreLostAndDoubled(t *testing.T) {
	sink, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	source, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	n := New(1)
	t.Cleanup(n.Close)
	door := address(t)
	err = n.ListenGossip("b", door, sink.LocalAddr().String(), From("a"), func(from string) string {
		if from == source.LocalAddr().String() {
			return "a"
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	target, _ := net.ResolveUDPAddr("udp", door)
	send := func(text string) {
		if _, err := source.WriteTo([]byte(text), target); err != nil {
			t.Fatal(err)
		}
	}
	receive := func(want string) {
		t.Helper()
		buffer := make([]byte, 100)
		sink.SetReadDeadline(time.Now().Add(20 * time.Second))
		size, _, err := sink.ReadFrom(buffer)
		if err != nil || string(buffer[:size]) != want {
			t.Fatalf("got %q, %v, want %q", buffer[:size], err, want)
		}
	}
	send("one")
	receive("one")
	n.Set("a", "b", Gossip, Fault{Cut: Drop})
	send("lost")
	for n.Effects().Lost == 0 {
		time.Sleep(time.Millisecond)
	}
	n.Set("a", "b", Gossip, Fault{Duplicate: 1})
	send("twice")
	receive("twice")
	receive("twice")
}
