package link

import (
	"bufio"
	"io"
	"net"
	"testing"
)

// startEcho answers each line with itself and keeps what it got.
func startEcho(t *testing.T) (address string, lines <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	got := make(chan string, 16)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				scanner := bufio.NewScanner(conn)
				for scanner.Scan() {
					got <- scanner.Text()
					io.WriteString(conn, scanner.Text()+"\n")
				}
			}()
		}
	}()
	return listener.Addr().String(), got
}

func dial(t *testing.T, link *Link) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", link.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

func open(t *testing.T) (*Link, <-chan string) {
	t.Helper()
	address, lines := startEcho(t)
	link, err := New(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(link.Close)
	return link, lines
}

func TestBytesThatAreKeptBackArriveAfterTheirSenderHasGone(t *testing.T) {
	link, lines := open(t)
	link.Hold(ToServer)
	conn, _ := dial(t, link)
	io.WriteString(conn, "late\n")
	if err := link.AwaitHeld(t.Context(), ToServer); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	select {
	case line := <-lines:
		t.Fatalf("%q came through a link that keeps bytes back", line)
	default:
	}
	link.Pass(ToServer)
	if line := <-lines; line != "late" {
		t.Errorf("got %q", line)
	}
}

func TestALostAnswerEndsItsConnection(t *testing.T) {
	link, lines := open(t)
	conn, answers := dial(t, link)
	link.Lose(ToClient)
	io.WriteString(conn, "question\n")
	if line := <-lines; line != "question" {
		t.Fatalf("got %q", line)
	}
	if answer, err := answers.ReadString('\n'); err == nil {
		t.Fatalf("the answer %q was not lost", answer)
	}
	link.Pass(ToClient)
	conn, answers = dial(t, link)
	io.WriteString(conn, "again\n")
	if answer, err := answers.ReadString('\n'); err != nil || answer != "again\n" {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestACutLinkClosesEverythingUntilItIsMended(t *testing.T) {
	link, _ := open(t)
	conn, answers := dial(t, link)
	io.WriteString(conn, "hello\n")
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	link.Cut()
	if _, err := answers.ReadByte(); err == nil {
		t.Error("a connection outlived the cut")
	}
	_, answers = dial(t, link)
	if _, err := answers.ReadByte(); err == nil {
		t.Error("a new connection came through the cut")
	}
	link.Mend()
	conn, answers = dial(t, link)
	io.WriteString(conn, "hello\n")
	if _, err := answers.ReadString('\n'); err != nil {
		t.Error(err)
	}
}
