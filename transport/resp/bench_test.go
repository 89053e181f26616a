package resp

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/transporttest"
)

// echoNode answers OK to everything at once, so that only the door is measured.
type echoNode struct {
	*transporttest.Node
}

func (n *echoNode) Execute(_ context.Context, _ uint64, ops []command.Op) ([]command.Reply, error) {
	replies := make([]command.Reply, len(ops))
	for i := range replies {
		replies[i] = okReply
	}
	return replies, nil
}

var okReply = command.OK()

func benchmarkDoor(b *testing.B, pipeline int) {
	server, err := NewServer(Config{Node: &echoNode{Node: transporttest.NewFrozenNode()}})
	if err != nil {
		b.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Shutdown(context.Background())
	asked := []byte(strings.Repeat(request("SET job:7 me NX PX 30000"), pipeline))
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	answered := make([]byte, 5*pipeline)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(asked); err != nil {
			b.Fatal(err)
		}
		for n := 0; n < len(answered); {
			more, err := conn.Read(answered[n:])
			if err != nil {
				b.Fatal(err)
			}
			n += more
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*pipeline), "ns/command")
}

func BenchmarkDoor(b *testing.B) {
	b.Run("one at a time", func(b *testing.B) { benchmarkDoor(b, 1) })
	b.Run("pipelines of 50", func(b *testing.B) { benchmarkDoor(b, 50) })
}
