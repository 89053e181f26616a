package resp

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/coordd/coordd/transport/resp/wire"
	"github.com/coordd/coordd/transport/transporttest"
)

// FuzzDoor sends bytes to a door and expects it to answer in well-formed replies, to end the connection when the client does, and never to fail inside.
func FuzzDoor(f *testing.F) {
	for _, seed := range []string{
		"PING\r\nSET a 1 PX 1000\r\nFENCE a\r\n",
		request("HELLO 3") + request("MULTI") + request("SET a 1") + request("SELECT 3") + request("GET a") + request("EXEC"),
		request("WATCH a") + request("UNWATCH") + request("SUBSCRIBE a") + request("RESET") + "*1\r\n:1\r\n",
		"EVAL \"return redis.call('get', KEYS[1])\" 1 a\r\nSCRIPT EXISTS a\r\nCLIENT REPLY SKIP\r\nCLIENT LIST\r\n",
		request("SESSION.OPEN PX 1000") + request("LOCK.ACQUIRE a PX 100 WAIT 0") + request("LOCK.RELEASE a 4") + request("COMMAND GETKEYS mset a b"),
		request("COMMAND DOCS get") + request("HELP client list") + request("CONFIG GET *") + request("INFO all") + request("WAIT 1 1"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if bytes.Contains(bytes.ToLower(input), []byte("wait")) && bytes.Contains(bytes.ToLower(input), []byte("lock")) {
			return // it would wait as long as it says
		}
		faults := &faultLog{}
		server, err := NewServer(Config{Node: transporttest.NewFrozenNode(), Logger: slog.New(slog.NewTextHandler(faults, nil))})
		if err != nil {
			t.Fatal(err)
		}
		inside, outside := net.Pipe()
		server.accept(inside)
		answered := make(chan error, 1)
		go func() { answered <- readReplies(outside) }()
		_, _ = outside.Write(append(bytes.Clone(input), "\r\nQUIT\r\n"...))
		outside.Close()
		if err := <-answered; err != nil {
			t.Errorf("the answer is no RESP: %v", err)
		}
		server.connections.Wait()
		if text := faults.String(); strings.Contains(text, "cause=") {
			t.Error(text)
		}
	})
}

type faultLog struct{ strings.Builder }

// readReplies reads until the connection ends and reports replies that are malformed.
func readReplies(from io.Reader) error {
	replies := wire.NewReplies(from, wire.ReplyLimits{})
	for {
		if _, err := replies.Read(); err != nil {
			if _, malformed := err.(*wire.ProtocolError); malformed {
				return err
			}
			return nil
		}
	}
}
