package rest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coordd/coordd/transport/resp"
	"github.com/coordd/coordd/transport/transporttest"
)

// breaking gives connections that the test breaks.
type breaking struct {
	door    *resp.Server
	dialled []net.Conn
	refuse  error
}

func (b *breaking) dial(ctx context.Context, client net.Addr) (net.Conn, error) {
	if b.refuse != nil {
		return nil, b.refuse
	}
	connection, err := b.door.Dial(ctx, client)
	b.dialled = append(b.dialled, connection)
	return connection, err
}

func (b *breaking) breakAll() {
	for _, connection := range b.dialled {
		connection.Close()
	}
}

func openBreaking(t *testing.T) (*breaking, *API) {
	t.Helper()
	door, err := resp.NewServer(resp.Config{Node: transporttest.NewFrozenNode()})
	if err != nil {
		t.Fatal(err)
	}
	b := &breaking{door: door}
	api := New(Config{Dial: b.dial})
	t.Cleanup(func() {
		api.Close()
		if err := door.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b, api
}

// list makes a request that needs one connection.
func list(t *testing.T, api *API) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	api.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/locks", nil))
	return recorder
}

// A connection that broke while nobody used it is nobody's failure.
func TestBrokenIdleConnectionsAreReplaced(t *testing.T) {
	b, api := openBreaking(t)
	for range 3 {
		for range 2 {
			if answer := list(t, api); answer.Code != http.StatusOK {
				t.Fatalf("%d %s", answer.Code, answer.Body)
			}
		}
		b.breakAll()
	}
	if len(b.dialled) != 3 {
		t.Errorf("%d connections were made for 6 requests between 3 breaks", len(b.dialled))
	}
	b.refuse = errors.New("the door is closed")
	if answer := list(t, api); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("without a door: %d %s", answer.Code, answer.Body)
	}
	if api.lines.open != 0 || api.lines.kept != 0 {
		t.Errorf("%d open, %d kept", api.lines.open, api.lines.kept)
	}
}

// silent takes a whole command, or only a part of it, and ends the connection without an answer.
func silent(whole bool) func(context.Context, net.Addr) (net.Conn, error) {
	return func(context.Context, net.Addr) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			buffer := make([]byte, 1<<10)
			if _, err := theirs.Read(buffer); err != nil { // HELLO
				return
			}
			if _, err := theirs.Write([]byte("%0\r\n")); err != nil {
				return
			}
			if !whole {
				buffer = buffer[:5]
			}
			_, _ = theirs.Read(buffer)
		}()
		return ours, nil
	}
}

// Only a command that was sent whole can have run.
func TestWhatABrokenConnectionMeans(t *testing.T) {
	for whole, want := range map[bool]int{true: http.StatusGatewayTimeout, false: http.StatusServiceUnavailable} {
		api := New(Config{Dial: silent(whole)})
		if answer := list(t, api); answer.Code != want {
			t.Errorf("whole %v: %d %s, want %d", whole, answer.Code, answer.Body, want)
		}
		if api.lines.open != 0 {
			t.Errorf("%d connections were left open", api.lines.open)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	_, api := openBreaking(t)
	api.lines.open = maxLines
	if answer := list(t, api); answer.Code != http.StatusTooManyRequests {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	api.lines.open = 0
	if answer := list(t, api); answer.Code != http.StatusOK {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}
