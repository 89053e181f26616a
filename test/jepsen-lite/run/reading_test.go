package run

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coordd/coordd/client/clienttest"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// A node that ends by itself when the run is over, on a disk that hangs, is started again, and what it has is read then. Its door refuses at first, and then loses its first connection.
func TestANodeThatComesBackIsReadAtTheEnd(t *testing.T) {
	reached := clienttest.Start(t).Options()
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	door := reserved.Addr().String()
	reserved.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), HistoryFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := runWith(t, Plan{}, &countingNetwork{})
	r.writer = history.NewWriter(file)

	go func() {
		time.Sleep(300 * time.Millisecond)
		listener, err := net.Listen("tcp", door)
		if err != nil {
			t.Error(err)
			return
		}
		context.AfterFunc(t.Context(), func() { listener.Close() })
		for number := 0; ; number++ {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			if number == 0 {
				connection.Close()
				continue
			}
			node, err := reached.Dialer(t.Context(), reached.Endpoints[0])
			if err != nil {
				t.Error(err)
				return
			}
			go func() { _, _ = io.Copy(node, connection) }()
			go func() { _, _ = io.Copy(connection, node) }()
		}
	}()
	if err := r.readFrom(t.Context(), "end-1", door, map[string]string{"register/0": "register", "counter/0": "counter"}); err != nil {
		t.Fatal(err)
	}
	events, err := history.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, event := range events {
		if event.Type == history.OK {
			read[event.Key] = true
		}
	}
	if !read["register/0"] || !read["counter/0"] {
		t.Errorf("what was read: %v", events)
	}
}
