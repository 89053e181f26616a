package memnet

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pair connects host a to a listener on host b.
func pair(t *testing.T, n *Network) (near, far net.Conn) {
	t.Helper()
	l, err := n.Host("b").Listen("b:1")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = n.Host("a").Dial(t.Context(), "b:1")
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

func TestBytesTakeTheDelayOfTheirDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		near, far := pair(t, n)
		n.SetDelay("a", "b", 30*time.Millisecond)
		start := time.Now()
		if _, err := near.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 5)
		if _, err := io.ReadFull(far, buffer); err != nil || string(buffer) != "hello" {
			t.Fatalf("read %q, %v", buffer, err)
		}
		if took := time.Since(start); took != 30*time.Millisecond {
			t.Fatalf("took %v", took)
		}
		if _, err := far.Write([]byte("back")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(near, buffer[:4]); err != nil || time.Since(start) != 30*time.Millisecond {
			t.Fatalf("the way back took until %v, %v", time.Since(start), err)
		}
	})
}

func TestCutHoldsBytesBackInOneDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		near, far := pair(t, n)
		n.Cut("a", "b")
		if _, err := near.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := far.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 1)
		if _, err := far.Read(buffer); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("read through a cut link: %v", err)
		}
		if _, err := far.Write([]byte("y")); err != nil {
			t.Fatal(err)
		}
		if _, err := near.Read(buffer); err != nil || buffer[0] != 'y' {
			t.Fatalf("the open direction: %q, %v", buffer, err)
		}
		if err := far.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Hour)
			n.Heal("a", "b")
		}()
		if _, err := far.Read(buffer); err != nil || buffer[0] != 'x' {
			t.Fatalf("after healing: %q, %v", buffer, err)
		}
	})
}

func TestDialWaitsForACutLinkAndIsRefusedByACrashedHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		near, far := pair(t, n)
		n.Cut("b", "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Host("a").Dial(ctx, "b:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("dial over a cut link: %v", err)
		}
		n.Heal("b", "a")
		n.Crash("b")
		if _, err := n.Host("a").Dial(t.Context(), "b:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("dial to a crashed host: %v", err)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("read from a crashed host: %v", err)
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("write on the crashed host: %v", err)
		}
	})
}

// What still runs of a process whose machine has lost its power reaches nobody, or it could bear witness to what it never wrote.
func TestWhatIsLeftOfACrashedHostReachesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		there, err := n.Host("b").Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		defer there.Close()
		old := n.Host("a")
		n.Cut("a", "b")
		dialled := make(chan error, 1)
		go func() {
			_, err := old.Dial(t.Context(), "b:1") // waits for the link
			dialled <- err
		}()
		synctest.Wait()
		n.Crash("a")
		n.Heal("a", "b")
		if err := <-dialled; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a dial that a crash overtook: %v", err)
		}
		if _, err := old.Dial(t.Context(), "b:1"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a dial after a crash: %v", err)
		}
		if _, err := old.Listen("a:2"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a listener after a crash: %v", err)
		}
		next := n.Host("a")
		if _, err := next.Listen("a:2"); err != nil {
			t.Errorf("a listener of the next process: %v", err)
		}
		if conn, err := next.Dial(t.Context(), "b:1"); err != nil {
			t.Errorf("a dial of the next process: %v", err)
		} else {
			_ = conn.Close()
		}
	})
}

func TestCloseIsSeenAfterTheBytesBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pair(t, New())
		if _, err := near.Write([]byte("last")); err != nil {
			t.Fatal(err)
		}
		if err := near.Close(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(far)
		if err != nil || string(rest) != "last" {
			t.Fatalf("read %q, %v", rest, err)
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Fatalf("write to a closed end: %v", err)
		}
	})
}

func TestWriterWaitsWhenTooMuchIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pair(t, New())
		if err := near.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		count, err := near.Write(make([]byte, streamCapacity+1))
		if count != streamCapacity || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("wrote %d, %v", count, err)
		}
		if err := near.SetWriteDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := near.Write(make([]byte, 10))
			done <- err
		}()
		if _, err := io.ReadFull(far, make([]byte, streamCapacity)); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestDropResetsBothEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		near, far := pair(t, n)
		n.Drop("b", "a")
		for name, conn := range map[string]net.Conn{"near": near, "far": far} {
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("%s end: %v", name, err)
			}
		}
	})
}

func TestAnAbortedConnectionStillDeliversWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		near, far := pair(t, n)
		n.SetDelay("a", "b", time.Second)
		if _, err := near.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		n.Abort("a", "b")
		if _, err := near.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("the end that aborted writes on: %v", err)
		}
		buffer := make([]byte, 4)
		if _, err := io.ReadFull(far, buffer); err != nil || string(buffer) != "late" {
			t.Fatalf("the other end read %q, %v", buffer, err)
		}
		if _, err := far.Read(buffer); !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("after it the other end read %v", err)
		}
	})
}

func TestWhatALinkLosesComesLaterAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		near, far := pair(t, n)
		n.SetChance(rand.New(rand.NewPCG(1, 1)))
		n.SetLink("a", "b", Link{Loss: 0.5, Retransmit: 200 * time.Millisecond, Jitter: time.Millisecond})
		const count = 40
		for i := range byte(count) {
			if _, err := near.Write([]byte{i}); err != nil {
				t.Fatal(err)
			}
		}
		start, buffer := time.Now(), make([]byte, count)
		if _, err := io.ReadFull(far, buffer); err != nil {
			t.Fatal(err)
		}
		for i, got := range buffer {
			if got != byte(i) {
				t.Fatalf("byte %d is %d: the stream was reordered", i, got)
			}
		}
		if took := time.Since(start); took < 200*time.Millisecond {
			t.Fatalf("half of everything was lost, and all had arrived after %s", took)
		}
	})
}
