package endpoint

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// door answers every request on a loopback port with what answer gives; a nil answer closes the connection.
func door(t *testing.T, answer func(arguments []string) []byte) string {
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
			go serve(conn, answer)
		}
	}()
	return listener.Addr().String()
}

func serve(conn net.Conn, answer func([]string) []byte) {
	defer conn.Close()
	requests := wire.NewRequests(conn, wire.RequestLimits{})
	for {
		request, err := requests.Next()
		if errors.Is(err, wire.ErrIncomplete) {
			if requests.Fill() != nil {
				return
			}
			continue
		}
		if err != nil {
			return
		}
		arguments := make([]string, len(request))
		for i, argument := range request {
			arguments[i] = string(argument)
		}
		reply := answer(arguments)
		if reply == nil {
			return
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

// polite greets back and answers everything else with its own words.
func polite(arguments []string) []byte {
	if arguments[0] == "HELLO" {
		return []byte("%1\r\n+proto\r\n:3\r\n")
	}
	return wire.AppendBulk(nil, strings.Join(arguments, " "))
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestTheNextEndpointIsTriedWhenOneFails(t *testing.T) {
	down, up := closedPort(t), door(t, polite)
	conn, err := DialAny(t.Context(), []string{down, up}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.Endpoint() != up {
		t.Errorf("connected to %s", conn.Endpoint())
	}
	if reply, err := conn.Do(t.Context(), "GET", "a b"); err != nil || string(reply.Text) != "GET a b" {
		t.Errorf("%s %v", reply.Text, err)
	}
}

func TestNoEndpointNamesEachWithItsReason(t *testing.T) {
	down := closedPort(t)
	_, err := DialAny(t.Context(), []string{down}, Options{})
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), down+": connection refused") || !strings.Contains(err.Error(), "--endpoints") {
		t.Errorf("%v", err)
	}
}

func TestARefusedGreetingIsNotTriedElsewhere(t *testing.T) {
	refusing := door(t, func([]string) []byte { return []byte("-WRONGPASS invalid username-password pair\r\n") })
	_, err := DialAny(t.Context(), []string{refusing, door(t, polite)}, Options{Password: "wrong"})
	var refused *RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "WRONGPASS") || !strings.Contains(err.Error(), "--password") {
		t.Errorf("%v", err)
	}
}

func TestGreetingCarriesCredentialsAndDatabase(t *testing.T) {
	seen := make(chan string, 2)
	address := door(t, func(arguments []string) []byte { seen <- strings.Join(arguments, " "); return []byte("+OK\r\n") })
	conn, err := Dial(t.Context(), address, Options{User: "ops", Password: "pw", Database: 3})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if first, second := <-seen, <-seen; first != "HELLO 3 AUTH ops pw" || second != "SELECT 3" {
		t.Errorf("greeted with %q, then %q", first, second)
	}
}

func TestAServerWithoutHelloIsSpokenToInRESP2(t *testing.T) {
	address := door(t, func(arguments []string) []byte {
		if arguments[0] == "HELLO" {
			return []byte("-ERR unknown command `HELLO`\r\n")
		}
		return []byte("+OK\r\n")
	})
	for _, options := range []Options{{}, {Password: "pw"}} {
		conn, err := Dial(t.Context(), address, options)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

func TestALostAnswerIsCalledUnknown(t *testing.T) {
	address := door(t, func(arguments []string) []byte {
		if arguments[0] == "HELLO" {
			return []byte("+OK\r\n")
		}
		return nil
	})
	conn, err := Dial(t.Context(), address, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Do(t.Context(), "SET", "a", "b")
	var broken *BrokenError
	if !errors.As(err, &broken) || broken.Unsent || !strings.Contains(err.Error(), "may or may not have taken effect") {
		t.Errorf("%v", err)
	}
}

func TestTheContextEndsAWait(t *testing.T) {
	silent := door(t, func(arguments []string) []byte {
		if arguments[0] == "HELLO" {
			return []byte("+OK\r\n")
		}
		return []byte{}
	})
	conn, err := Dial(t.Context(), silent, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := conn.Do(ctx, "GET", "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestPushesAreNotReplies(t *testing.T) {
	address := door(t, func(arguments []string) []byte {
		if arguments[0] == "HELLO" {
			return []byte("+OK\r\n")
		}
		return []byte(">2\r\n+granted\r\n:7\r\n+OK\r\n")
	})
	conn, err := Dial(t.Context(), address, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var pushed []wire.Value
	conn.OnPush = func(value wire.Value) { pushed = append(pushed, value) }
	reply, err := conn.Do(t.Context(), "PING")
	if err != nil || string(reply.Text) != "OK" || len(pushed) != 1 || pushed[0].Elements[1].Integer != 7 {
		t.Errorf("%v %v %v", reply, pushed, err)
	}
}

func TestClientTLSFilesAreChecked(t *testing.T) {
	if _, err := ClientTLS("none.pem", "", ""); err == nil || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("a missing authority: %v", err)
	}
	if _, err := ClientTLS("", "cert.pem", ""); err == nil {
		t.Error("a certificate without its key was accepted")
	}
}
