package peer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/transport/peer"
	"github.com/coordd/coordd/transport/peer/memnet"
)

// echoHandler answers everything in the simplest way and remembers the order of forwarded frames.
type echoHandler struct {
	mu      sync.Mutex
	frames  [][]byte
	forward func(ctx context.Context, payload []byte, respond func([]byte))
	verdict peer.LostLeaderVerdict
}

func (h *echoHandler) Forward(ctx context.Context, _ peer.NodeID, payload []byte, respond func([]byte)) {
	h.mu.Lock()
	h.frames = append(h.frames, payload)
	forward := h.forward
	h.mu.Unlock()
	if forward != nil {
		forward(ctx, payload, respond)
		return
	}
	respond(append([]byte("echo "), payload...))
}

func (h *echoHandler) Term() peer.TermAnswer { return peer.TermAnswer{Term: 7, WallUnixMs: 1234} }

func (h *echoHandler) LostLeader(_ peer.NodeID, question peer.LostLeaderQuestion) peer.LostLeaderVerdict {
	if question.Term != 7 || question.Leader != "leader" {
		return peer.LostLeaderNo
	}
	return h.verdict
}

func (h *echoHandler) Bootstrap(_ context.Context, from peer.Identity, payload []byte) ([]byte, error) {
	if string(payload) == "fail" {
		return nil, errors.New("this node will not")
	}
	return fmt.Appendf(nil, "%s said %s", from.NodeID, payload), nil
}

// recorder keeps what an Observer is told.
type recorder struct {
	mu       sync.Mutex
	ended    []string
	failed   []string
	refusals []*peer.Refusal
}

func (r *recorder) ConnectionEnded(remote peer.NodeID, purpose peer.Purpose, inbound bool, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, fmt.Sprintf("%s %s inbound=%v", remote, purpose, inbound))
}

func (r *recorder) DialFailed(target peer.Target, purpose peer.Purpose, refused bool, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, fmt.Sprintf("%s %s refused=%v", target.NodeID, purpose, refused))
}

func (r *recorder) HandshakeRefused(_ peer.Target, _ peer.Purpose, _ bool, refusal *peer.Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusals = append(r.refusals, refusal)
}

func (r *recorder) codes() []peer.RefusalCode {
	r.mu.Lock()
	defer r.mu.Unlock()
	var codes []peer.RefusalCode
	for _, refusal := range r.refusals {
		codes = append(codes, refusal.Code)
	}
	return codes
}

// testNode is a port with everything around it.
type testNode struct {
	port     *peer.Port
	identity peer.Identity
	roster   *peer.Roster
	handler  *echoHandler
	observer *recorder
}

func (n *testNode) target() peer.Target {
	return peer.Target{NodeID: n.identity.NodeID, Address: n.identity.Address}
}

// startNode starts a node of the cluster "test" with id "c1" on its own host; change alters its identity first.
func startNode(t *testing.T, network *memnet.Network, host string, change ...func(*peer.Identity)) *testNode {
	t.Helper()
	identity := peer.Identity{ClusterName: "test", ClusterID: "c1", NodeID: peer.NodeID("id-" + host), Address: host + ":7580"}
	for _, c := range change {
		c(&identity)
	}
	n := &testNode{identity: identity, roster: peer.NewRoster(), handler: &echoHandler{verdict: peer.LostLeaderYes}, observer: &recorder{}}
	port, err := peer.Listen(peer.Config{
		Identity:      func() peer.Identity { return n.identity },
		ListenAddress: host + ":7580",
		Network:       network.Host(host),
		Authorizer:    n.roster,
		Handler:       n.handler,
		Observer:      n.observer,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.port = port
	t.Cleanup(func() { _ = port.Close() })
	return n
}

func TestCallsReachTheirHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b := startNode(t, network, "a"), startNode(t, network, "b")
		if answer, err := a.port.Forward(t.Context(), b.target(), []byte("x")); err != nil || string(answer) != "echo x" {
			t.Fatalf("forward: %q, %v", answer, err)
		}
		if answer, err := a.port.Term(t.Context(), b.target()); err != nil || answer != (peer.TermAnswer{Term: 7, WallUnixMs: 1234}) {
			t.Fatalf("term: %+v, %v", answer, err)
		}
		verdict, err := a.port.LostLeader(t.Context(), b.target(), peer.LostLeaderQuestion{Term: 7, Leader: "leader"})
		if err != nil || verdict != peer.LostLeaderYes {
			t.Fatalf("lost leader: %v, %v", verdict, err)
		}
		if identity, err := a.port.Identify(t.Context(), "b:7580"); err != nil || identity != b.identity {
			t.Fatalf("identify: %+v, %v", identity, err)
		}
		if answer, err := a.port.Bootstrap(t.Context(), b.target(), []byte("hello")); err != nil || string(answer) != "id-a said hello" {
			t.Fatalf("bootstrap: %q, %v", answer, err)
		}
		var remote *peer.RemoteError
		if _, err := a.port.Bootstrap(t.Context(), b.target(), []byte("fail")); !errors.As(err, &remote) || remote.Text != "this node will not" {
			t.Fatalf("bootstrap that fails: %v", err)
		}
		if peer.Unsent(remote) {
			t.Fatal("an answered call counts as unsent")
		}
	})
}

func TestForwardKeepsOrderAndManyCallsShareOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b := startNode(t, network, "a"), startNode(t, network, "b")
		network.SetDelay("a", "b", 5*time.Millisecond)
		network.SetDelay("b", "a", 5*time.Millisecond)
		if _, err := a.port.Forward(t.Context(), b.target(), []byte("first")); err != nil {
			t.Fatal(err)
		}
		const calls = 500
		start := time.Now()
		var running sync.WaitGroup
		for i := range calls {
			running.Go(func() {
				payload := fmt.Appendf(nil, "%03d", i)
				answer, err := a.port.Forward(t.Context(), b.target(), payload)
				if err != nil || !bytes.Equal(answer, append([]byte("echo "), payload...)) {
					t.Errorf("call %d: %q, %v", i, answer, err)
				}
			})
			synctest.Wait()
		}
		running.Wait()
		if took := time.Since(start); took != 10*time.Millisecond {
			t.Fatalf("%d calls in flight together took %v", calls, took)
		}
		for i, payload := range b.handler.frames[1:] {
			if string(payload) != fmt.Sprintf("%03d", i) {
				t.Fatalf("frame %d is %q", i, payload)
			}
		}
	})
}

func TestErrorsTellUnsentFromUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b := startNode(t, network, "a"), startNode(t, network, "b")
		nobody := peer.Target{NodeID: "id-x", Address: "x:7580"}
		_, err := a.port.Forward(t.Context(), nobody, []byte("x"))
		if !peer.Unsent(err) || !peer.IsRefused(err) {
			t.Fatalf("a refused dial: %v", err)
		}
		if _, err := a.port.Forward(t.Context(), b.target(), make([]byte, peer.MaxFrameSize+1)); !peer.Unsent(err) || !errors.Is(err, peer.ErrTooLarge) {
			t.Fatalf("a frame over the limit: %v", err)
		}
		b.handler.forward = func(context.Context, []byte, func([]byte)) {}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = a.port.Forward(ctx, b.target(), []byte("no answer"))
		if err == nil || peer.Unsent(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a call without an answer: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			network.Crash("b")
		}()
		_, err = a.port.Forward(t.Context(), b.target(), []byte("crash"))
		if err == nil || peer.Unsent(err) {
			t.Fatalf("a call whose peer crashed: %v", err)
		}
	})
}

func TestSilentPeerEndsTheCallWithinTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b := startNode(t, network, "a"), startNode(t, network, "b")
		b.handler.forward = func(context.Context, []byte, func([]byte)) {}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := a.port.Forward(ctx, b.target(), []byte("slow")); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a slow answer on a living connection must not end it: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			network.Isolate("a", "b")
		}()
		start := time.Now()
		_, err := a.port.Forward(t.Context(), b.target(), []byte("cut"))
		if err == nil || peer.Unsent(err) {
			t.Fatalf("a call over a link that was cut: %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("the cut showed only after %v", took)
		}
	})
}

func TestPurposeBindsAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		b := startNode(t, network, "b")
		empty := startNode(t, network, "e", func(i *peer.Identity) { i.ClusterID = "" })
		for name, call := range map[string]func() error{
			"forward": func() error { _, err := empty.port.Forward(t.Context(), b.target(), nil); return err },
			"probe":   func() error { _, err := empty.port.Term(t.Context(), b.target()); return err },
		} {
			refusal, ok := peer.AsRefusal(call())
			if !ok || refusal.Code != peer.RefusedClusterID || !refusal.ByPeer {
				t.Errorf("%s by a node without a cluster: %v", name, refusal)
			}
		}
		if _, err := empty.port.Identify(t.Context(), "b:7580"); err != nil {
			t.Errorf("identify by a node without a cluster: %v", err)
		}
	})
}

func TestStrangersAreRefusedAndHalfHandshakesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a := startNode(t, network, "a")
		stranger, err := network.Host("x").Dial(t.Context(), "a:7580")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stranger.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if codes := a.observer.codes(); len(codes) != 1 || codes[0] != peer.RefusedMalformed {
			t.Fatalf("refusals %v", codes)
		}
		silent, err := network.Host("x").Dial(t.Context(), "a:7580")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := silent.Read(make([]byte, 1)); err == nil {
			t.Fatal("a silent stranger was answered")
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Fatalf("a silent stranger was kept for %v", took)
		}
		_ = stranger.Close()
	})
}

func TestObserverLearnsThatAConnectionEndedAndDialsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b := startNode(t, network, "a"), startNode(t, network, "b")
		if _, err := a.port.Term(t.Context(), b.target()); err != nil {
			t.Fatal(err)
		}
		network.Crash("b")
		synctest.Wait()
		for range 2 {
			if err := a.port.CheckDial(t.Context(), b.target()); !peer.IsRefused(err) {
				t.Fatalf("dial: %v", err)
			}
		}
		if got := fmt.Sprint(a.observer.ended, a.observer.failed); got !=
			"[id-b probe inbound=false] [id-b probe refused=true id-b probe refused=true]" {
			t.Fatal(got)
		}
	})
}

func TestBackPressureHoldsBackOneConnectionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b, c := startNode(t, network, "a"), startNode(t, network, "b"), startNode(t, network, "c")
		release := make(chan struct{})
		b.handler.forward = func(ctx context.Context, payload []byte, respond func([]byte)) {
			if string(payload) == "wait" {
				select {
				case <-release:
				case <-ctx.Done():
				}
			}
			respond(payload)
		}
		var running sync.WaitGroup
		running.Go(func() {
			if _, err := a.port.Forward(t.Context(), b.target(), []byte("wait")); err != nil {
				t.Errorf("the held call: %v", err)
			}
		})
		time.Sleep(10 * time.Second)
		if _, err := c.port.Forward(t.Context(), b.target(), []byte("go")); err != nil {
			t.Fatalf("another node's call: %v", err)
		}
		if _, err := a.port.Term(t.Context(), b.target()); err != nil {
			t.Fatalf("the same node's probe: %v", err)
		}
		close(release)
		running.Wait()
	})
}

func TestListenSaysWhichAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = peer.Listen(peer.Config{
		Identity: func() peer.Identity {
			return peer.Identity{ClusterName: "test", NodeID: "id", Address: "127.0.0.1:1"}
		},
		ListenAddress: taken.Addr().String(),
		Authorizer:    peer.NewRoster(),
		Handler:       &echoHandler{},
	})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte(taken.Addr().String())) {
		t.Fatalf("listening on a taken port: %v", err)
	}
}
