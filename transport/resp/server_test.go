package resp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/resp/wire"
	"github.com/coordd/coordd/transport/transporttest"
)

// recorder notes how many ops each Execute got.
type recorder struct {
	mu    sync.Mutex
	sizes []int
}

func (r *recorder) intercept(_ context.Context, ops []command.Op) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sizes = append(r.sizes, len(ops))
	return nil
}

func TestPipelinesAreAnsweredInOrderAndRunAsBatches(t *testing.T) {
	node := transporttest.NewFrozenNode()
	seen := &recorder{}
	node.Intercept = seen.intercept
	client := openDoorOver(t, node, nil).dial()
	const count = 3000
	var all strings.Builder
	for i := range count {
		fmt.Fprintf(&all, "%s%s%s", request(fmt.Sprint("SET k ", i)), request(fmt.Sprint("ECHO ", i)), request("GET k"))
	}
	go func() { _, _ = client.conn.Write([]byte(all.String())) }()
	for i := range count {
		want := fmt.Sprintf(`+OK"%d""%d"`, i, i)
		if got := show(client.next()) + show(client.next()) + show(client.next()); got != want {
			t.Fatalf("round %d: got %s, want %s", i, got, want)
		}
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	total := 0
	for _, size := range seen.sizes {
		if total += size; size > maxBatchOps {
			t.Errorf("a batch of %d ops", size)
		}
	}
	if total != 2*count || len(seen.sizes) > count/5 {
		t.Errorf("%d ops in %d batches", total, len(seen.sizes))
	}
}

// failing answers as many ops as it is told, then fails.
type failing struct {
	*transporttest.Node
	after int
	err   error
}

func (f *failing) Execute(ctx context.Context, lane uint64, ops []command.Op) ([]command.Reply, error) {
	if f.err == nil || len(ops) <= f.after {
		return f.Node.Execute(ctx, lane, ops)
	}
	replies, err := f.Node.Execute(ctx, lane, ops[:f.after])
	if err != nil {
		return nil, err
	}
	return replies, f.err
}

func openFailingDoor(t *testing.T, after int, err error) (*failing, *guest) {
	node := &failing{transporttest.NewFrozenNode(), after, err}
	d := openDoorOver(t, node.Node, func(config *Config) { config.Node = node })
	return node, d.dial()
}

// Fate unknown: what came before is answered, then the connection closes without a word, as a crashed Redis would (safety case S17).
func TestS17_UnknownOutcomeClosesTheConnection(t *testing.T) {
	for name, err := range map[string]error{
		"coded":   transport.Errorf(command.CodeUnknownOutcome, "the fate is not known"),
		"foreign": errors.New("something without a code"),
	} {
		t.Run(name, func(t *testing.T) {
			_, client := openFailingDoor(t, 1, err)
			client.send(request("SET a 1") + request("SET b 2") + request("PING"))
			if got := show(client.next()); got != "+OK" {
				t.Errorf("the first command was answered %s", got)
			}
			client.wantClosed()
		})
	}
}

// Definite failures are answered, each in its place, and the connection goes on.
func TestDefiniteFailuresAreAnswered(t *testing.T) {
	for _, each := range []struct {
		err  error
		want string
	}{
		{transport.Errorf(command.CodeNoLeader, "no leader was found in 2.5s"), "-LOADING coordd has no leader; retry"},
		{transport.Errorf(command.CodeShuttingDown, "this node is stopping"), "-LOADING this node is stopping"},
		{transport.Errorf(command.CodeBusy, "4096 commands are under way; retry"), "-BUSY 4096 commands are under way; retry"},
		{fmt.Errorf("wrapped: %w", transport.Errorf(command.CodeNoLeader, "x")), "-LOADING coordd has no leader; retry"},
	} {
		node, client := openFailingDoor(t, 1, each.err)
		client.send(request("SET a 1") + request("SET b 2") + request("PING") + request("GET a"))
		want := "+OK " + each.want + " +PONG " + each.want
		if got := fmt.Sprint(show(client.next()), " ", show(client.next()), " ", show(client.next()), " ", show(client.next())); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		node.after = 100
		client.want("GET a", `"1"`)
	}
}

// A WATCH that failed must not let EXEC run as if nothing had been watched.
func TestExecAfterAFailedWatchDoesNothing(t *testing.T) {
	node, client := openFailingDoor(t, 0, transport.Errorf(command.CodeNoLeader, "x"))
	client.want("WATCH a", "-LOADING coordd has no leader; retry")
	node.after = 100
	client.want("MULTI", "+OK")
	client.want("SET a 1", "+QUEUED")
	client.want("EXEC", "nil")
	client.want("MULTI", "+OK")
	client.want("EXEC", "[]")
}

func TestBrokenRequestsEndTheConnectionWithAnAnswer(t *testing.T) {
	d := openDoor(t, nil)
	for _, each := range []struct{ raw, want string }{
		{"*1\r\n:5\r\n", "-ERR Protocol error: expected '$', got ':'"},
		{"*x\r\n", "-ERR Protocol error: invalid multibulk length"},
		{"*2\r\n$3\r\nGET\r\n$99999999\r\n", "-ERR Protocol error: invalid bulk length"},
		{"SET \"a\r\n", "-ERR Protocol error: unbalanced quotes in request"},
		{"*1\r\n$4\r\nPINGxx" + strings.Repeat("y", 100_000), "-ERR Protocol error: expected CRLF after a bulk of 4 bytes"},
	} {
		client := d.dial()
		client.send(request("PING") + each.raw)
		if got := show(client.next()); got != "+PONG" {
			t.Errorf("before it: %s", got)
		}
		if got := show(client.next()); got != each.want {
			t.Errorf("%.20q: got %s, want %s", each.raw, got, each.want)
		}
		client.wantClosed()
	}
}

// What is too large for a value but not for a request is refused by its limit, and the connection goes on.
func TestOversizedValuesAreRefusedByTheirLimit(t *testing.T) {
	client := openDoor(t, nil).dial()
	for size, want := range map[int]string{
		command.MaxValueBytes:     "+OK",
		command.MaxValueBytes + 1: "-LIMIT a value of 65537 bytes is too long; the limit is 65536",
		900_000:                   "-LIMIT a value of 900000 bytes is too long; the limit is 65536",
	} {
		if got := show(client.doArguments("SET", "k", strings.Repeat("v", size))); got != want {
			t.Errorf("%d bytes: %s", size, got)
		}
	}
	client.want("STRLEN k", ":65536")
}

func TestHalfSentRequestsRunOut(t *testing.T) {
	client := openDoor(t, func(config *Config) { config.RequestTimeout = 50 * time.Millisecond }).dial()
	client.want("PING", "+PONG")
	time.Sleep(100 * time.Millisecond) // an idle connection has all the time it wants
	client.want("PING", "+PONG")
	client.send("*2\r\n$4\r\nECHO\r\n$10\r\nhalf")
	client.wantClosed()
}

func TestIdleConnectionsRunOut(t *testing.T) {
	client := openDoor(t, func(config *Config) { config.IdleTimeout = 50 * time.Millisecond }).dial()
	client.want("PING", "+PONG")
	client.wantClosed()
}

func TestTooManyClientsAreTurnedAway(t *testing.T) {
	d := openDoor(t, func(config *Config) { config.MaxClients = 1 })
	first := d.dial()
	first.want("PING", "+PONG")
	second := d.dial()
	second.send(request("PING"))
	if got := show(second.next()); got != "-ERR max number of clients reached" {
		t.Error(got)
	}
	second.wantClosed()
	first.conn.Close()
	eventually(t, "the first is gone", func() bool { return d.server.Stats().Clients == 0 })
	d.dial().want("PING", "+PONG")
	if stats := d.server.Stats(); stats.ConnectionsRejected != 1 || stats.ConnectionsReceived != 3 {
		t.Errorf("%+v", stats)
	}
}

// A client that asks and does not read holds up nobody but itself, and not for ever.
func TestClientsThatDoNotReadAreClosed(t *testing.T) {
	d := openDoor(t, func(config *Config) { config.WriteTimeout = 100 * time.Millisecond })
	slow := d.dial()
	if tcp, ok := slow.conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4096)
	}
	if got := show(slow.doArguments("SET", "k", strings.Repeat("v", command.MaxValueBytes))); got != "+OK" {
		t.Fatal(got)
	}
	asks := strings.Repeat(request("GET k"), 100)
	go func() {
		for {
			if _, err := slow.conn.Write([]byte(asks)); err != nil {
				return
			}
		}
	}()
	eventually(t, "the client was closed", func() bool { return d.server.Stats().Clients == 0 })
}

// One batch whose answers are larger than the output may hold ends the connection instead of taking memory.
func TestAnswersAreBounded(t *testing.T) {
	client := openDoor(t, func(config *Config) { config.OutputBytes = 100_000 }).dial()
	client.doArguments("SET", "k", strings.Repeat("v", 60_000))
	client.send(request("MGET k k k"))
	client.wantClosed()
}

func TestShutdownFinishesWhatWasRead(t *testing.T) {
	node := transporttest.NewFrozenNode()
	began, proceed := make(chan struct{}), make(chan struct{})
	node.Intercept = func(context.Context, []command.Op) error {
		close(began)
		<-proceed
		return nil
	}
	d := openDoorOver(t, node, nil)
	client, idle := d.dial(), d.dial()
	idle.want("PING", "+PONG")
	client.send(request("SET a 1"))
	<-began
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		done <- d.server.Shutdown(ctx)
	}()
	idle.wantClosed()
	close(proceed)
	if got := show(client.next()); got != "+OK" {
		t.Error(got)
	}
	client.wantClosed()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := net.DialTimeout("tcp", d.address, time.Second); err == nil {
		t.Error("a closed door accepts")
	}
}

// When patience ends, what is still under way is cut off.
func TestShutdownCutsOffWhatTakesTooLong(t *testing.T) {
	node := transporttest.NewFrozenNode()
	node.Intercept = func(ctx context.Context, _ []command.Op) error {
		<-ctx.Done()
		return transport.Errorf(command.CodeUnknownOutcome, "given up")
	}
	d := openDoorOver(t, node, nil)
	client := d.dial()
	client.send(request("SET a 1"))
	eventually(t, "the command is under way", func() bool { return d.server.Stats().Commands == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := d.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v", err)
	}
	client.wantClosed()
}

// A client that hangs up while its command waits for a leader takes the command with it: nobody would read the answer.
func TestHangingUpGivesASlowCommandUp(t *testing.T) {
	node := transporttest.NewFrozenNode()
	gaveUp := make(chan struct{})
	node.Intercept = func(ctx context.Context, _ []command.Op) error {
		<-ctx.Done()
		close(gaveUp)
		return transport.Errorf(command.CodeNoLeader, "given up")
	}
	client := openDoorOver(t, node, nil).dial()
	client.send(request("SET a 1"))
	client.conn.Close()
	select {
	case <-gaveUp:
	case <-time.After(patience):
		t.Error("the command goes on for a client that is gone")
	}
}

// What a client sends while its command is slow is kept and answered afterwards.
func TestRequestsBehindASlowCommand(t *testing.T) {
	node := transporttest.NewFrozenNode()
	proceed := make(chan struct{})
	node.Intercept = func(_ context.Context, ops []command.Op) error {
		if set, ok := ops[0].(command.Set); ok && set.Name.Key == "slow" {
			<-proceed
		}
		return nil
	}
	client := openDoorOver(t, node, nil).dial()
	client.send(request("SET slow 1"))
	time.Sleep(slowCommand + 50*time.Millisecond) // the watch reads ahead from now on
	for i := range 200 {
		client.send(request(fmt.Sprint("SET k", i, " ", strings.Repeat("v", 200))))
	}
	client.send(request("GET slow"))
	time.Sleep(20 * time.Millisecond) // all of it is read ahead, so that nothing more arrives afterwards
	close(proceed)
	for range 201 {
		if got := show(client.next()); got != "+OK" {
			t.Fatal(got)
		}
	}
	if got := show(client.next()); got != `"1"` {
		t.Error(got)
	}
}

func TestConfigFaultsAreNamedTogether(t *testing.T) {
	_, err := NewServer(Config{Users: []User{{Name: "a"}, {Name: "b", Passwords: []string{""}}, {Passwords: []string{"x"}}}, IdleTimeout: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"needs a node", `"a" has no password`, `"b" is empty`, "has no name", "is negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestTLS(t *testing.T) {
	certificate := selfSigned(t)
	d := openDoor(t, func(config *Config) { config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}} })
	conn, err := tls.Dial("tcp", d.address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := newGuest(t, conn)
	client.want("SET a 1", "+OK")
	client.want("GET a", `"1"`)

	holder := newGuest(t, conn)
	holder.do("LOCK.ACQUIRE job PX 50000")
	waiting, err := tls.Dial("tcp", d.address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	newGuest(t, waiting).send(request("LOCK.ACQUIRE job PX 50000 WAIT 60000"))
	eventually(t, "the waiter stands in the queue", func() bool { return d.node.Status().Waiters == 1 })
	waiting.Close()
	eventually(t, "the waiter has left", func() bool { return d.node.Status().Waiters == 0 })

	plain := d.dial()
	plain.send(request("PING"))
	if value, err := plain.read(); err == nil && value.Type == wire.Status {
		t.Error("a client without TLS was served")
	}
}

// selfSigned makes a certificate for a test.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
