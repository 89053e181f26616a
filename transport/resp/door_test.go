package resp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
	"github.com/coordd/coordd/transport/transporttest"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// door is a server over a machine in memory.
type door struct {
	t       *testing.T
	node    *transporttest.Node
	server  *Server
	address string
}

// openDoor starts a door; change may be nil. The node's clock stands still unless the test moves it.
func openDoor(t *testing.T, change func(*Config)) *door {
	t.Helper()
	return openDoorOver(t, transporttest.NewFrozenNode(), change)
}

func openDoorOver(t *testing.T, node *transporttest.Node, change func(*Config)) *door {
	t.Helper()
	config := Config{Node: node, Version: "test"}
	if change != nil {
		change(&config)
	}
	server, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("serve ended with %v", err)
		}
	})
	return &door{t, node, server, listener.Addr().String()}
}

// guest is a client that the test plays.
type guest struct {
	t       *testing.T
	conn    net.Conn
	replies *wire.Replies
}

func (d *door) dial() *guest {
	d.t.Helper()
	conn, err := net.Dial("tcp", d.address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close() })
	return newGuest(d.t, conn)
}

func newGuest(t *testing.T, conn net.Conn) *guest {
	return &guest{t, conn, wire.NewReplies(conn, wire.ReplyLimits{})}
}

// send writes bytes as they are.
func (g *guest) send(raw string) {
	g.t.Helper()
	if _, err := g.conn.Write([]byte(raw)); err != nil {
		g.t.Fatal(err)
	}
}

// request encodes a request whose arguments are the words of a line; "" is an empty argument.
func request(line string) string {
	words := strings.Fields(line)
	for i, word := range words {
		if word == `""` {
			words[i] = ""
		}
	}
	return string(wire.AppendRequest(nil, words...))
}

func (g *guest) read() (wire.Value, error) {
	g.t.Helper()
	if err := g.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		g.t.Fatal(err)
	}
	return g.replies.Read()
}

// next reads a reply that must come.
func (g *guest) next() wire.Value {
	g.t.Helper()
	value, err := g.read()
	if err != nil {
		g.t.Fatalf("no reply: %v", err)
	}
	return value
}

// do sends a request given as words and reads its reply.
func (g *guest) do(line string) wire.Value {
	g.t.Helper()
	g.send(request(line))
	return g.next()
}

// doArguments is do for arguments that are no words.
func (g *guest) doArguments(arguments ...string) wire.Value {
	g.t.Helper()
	g.send(string(wire.AppendRequest(nil, arguments...)))
	return g.next()
}

// want checks the reply to a request, written as show writes it.
func (g *guest) want(line, reply string) {
	g.t.Helper()
	if got := show(g.do(line)); got != reply {
		g.t.Errorf("%s\n   got %s\n  want %s", line, got, reply)
	}
}

// wantPrefix is want for replies that go on with something that the test does not know.
func (g *guest) wantPrefix(line, prefix string) {
	g.t.Helper()
	if got := show(g.do(line)); !strings.HasPrefix(got, prefix) {
		g.t.Errorf("%s\n   got %s\n  want %s…", line, got, prefix)
	}
}

// wantClosed checks that the connection ends without a further reply.
func (g *guest) wantClosed() {
	g.t.Helper()
	if value, err := g.read(); err == nil {
		g.t.Errorf("got %s, want the end of the connection", show(value))
	} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		g.t.Error("the connection stayed open")
	}
}

// field finds a number in a map reply.
func field(t *testing.T, value wire.Value, key string) int64 {
	t.Helper()
	found, ok := value.Lookup(key)
	n, isNumber := found.Int()
	if !ok || !isNumber {
		t.Fatalf("no number %q in %s", key, show(value))
	}
	return n
}

func textField(t *testing.T, value wire.Value, key string) string {
	t.Helper()
	found, ok := value.Lookup(key)
	if !ok {
		t.Fatalf("no %q in %s", key, show(value))
	}
	return string(found.Text)
}

// show writes a value in one line: +status, -error, :1, "bulk", nil, [array], {map}.
func show(value wire.Value) string {
	parts := make([]string, 0, len(value.Elements))
	for _, element := range value.Elements {
		parts = append(parts, show(element))
	}
	inside := strings.Join(parts, " ")
	switch value.Type {
	case wire.Nil:
		return "nil"
	case wire.Status:
		return "+" + string(value.Text)
	case wire.Error:
		return "-" + string(value.Text)
	case wire.Integer:
		return fmt.Sprintf(":%d", value.Integer)
	case wire.Bulk, wire.Verbatim:
		return fmt.Sprintf("%q", value.Text)
	case wire.Array:
		return "[" + inside + "]"
	case wire.Map:
		return "{" + inside + "}"
	case wire.Set:
		return "~[" + inside + "]"
	case wire.Push:
		return ">[" + inside + "]"
	}
	return fmt.Sprintf("%+v", value)
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came true: %s", what)
		}
	}
}
