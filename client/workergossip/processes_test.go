package workergossip

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/internal/localcluster"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/transport"
)

const (
	poolName   = "orders"
	partitions = 16
	ttl        = 6 * time.Second
	early      = 2 * time.Second
	patience   = 30 * time.Second
	// workerVariable has the program of a worker process, as JSON.
	workerVariable = "COORDD_TEST_WORKER"
)

// program says what a worker process is to do.
type program struct {
	ID               string
	Endpoints, Nodes []string
	Key              string // hexadecimal
	Early            time.Duration
}

func TestMain(m *testing.M) {
	if text := os.Getenv(workerVariable); text != "" {
		if err := runWorker(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// Shutdown of memberlist does not wait for a probe that is under way, which ends a moment later.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/memberlist.(*Memberlist).triggerFunc"))
}

// runWorker serves until its standard input ends.
func runWorker(text string) error {
	var p program
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	key, err := hex.DecodeString(p.Key)
	if err != nil {
		return err
	}
	cluster, err := client.Dial(context.Background(), client.Options{Endpoints: p.Endpoints})
	if err != nil {
		return err
	}
	gossip, err := Join(Config{ClusterName: localcluster.ClusterName, Nodes: p.Nodes, Key: key, ListenAddress: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	config := client.WorkerConfig{ID: p.ID, Session: client.SessionOptions{TTL: ttl, EarlyEnd: p.Early}, Gossip: gossip}
	if _, err := cluster.Pool(poolName).Join(context.Background(), config, nil); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// stage is a cluster of three processes with a pool.
type stage struct {
	t         *testing.T
	group     *process.Group
	nodes     *localcluster.Cluster
	endpoints []string
	cluster   *client.Client
}

func newStage(t *testing.T) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts processes and waits for sessions to end")
	}
	t.Chdir("../..")
	folder := t.TempDir()
	binary, err := localcluster.Build(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, group: process.NewGroup(folder)}
	t.Cleanup(func() { s.group.Close(time.Second) })
	if s.nodes, err = localcluster.Found(t.Context(), s.group, binary, folder, 3); err != nil {
		t.Fatal(err)
	}
	for _, node := range s.nodes.Voters {
		s.endpoints = append(s.endpoints, node.Redis)
	}
	if s.cluster, err = client.Dial(t.Context(), client.Options{Endpoints: s.endpoints}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cluster.Close() })
	if _, err := s.cluster.Pool(poolName).Create(t.Context(), client.PoolSettings{Partitions: partitions, Debounce: 100 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	return s
}

// join makes this process a worker.
func (s *stage) join(id string, session client.SessionOptions, gossip client.WorkerGossip, handler client.PoolHandler) *client.Worker {
	s.t.Helper()
	worker, err := s.cluster.Pool(poolName).Join(s.t.Context(), client.WorkerConfig{ID: id, Session: session, Gossip: gossip}, handler)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = worker.Close(context.Background()) })
	return worker
}

// start starts a worker process.
func (s *stage) start(id string, key []byte, earlyEnd time.Duration) *process.Process {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := json.Marshal(program{ID: id, Endpoints: s.endpoints, Nodes: s.nodes.Gossip, Key: hex.EncodeToString(key), Early: earlyEnd})
	if err != nil {
		s.t.Fatal(err)
	}
	input, keep, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = keep.Close() })
	defer input.Close()
	p, err := s.group.Start(process.Spec{Name: id, Path: self, Env: []string{workerVariable + "=" + string(text)}, Stdin: input})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// until waits for what must happen, and tells how long it took.
func (s *stage) until(what string, happened func() bool) time.Duration {
	s.t.Helper()
	begin := time.Now()
	for !happened() {
		if time.Since(begin) > patience {
			s.t.Fatalf("%v went by and not: %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begin)
}

// told are the states in which the nodes' gossip shows the workers, by session.
func (s *stage) told() map[string]string {
	s.t.Helper()
	reply, err := s.cluster.Do(s.t.Context(), "COORDD.STATUS")
	if err != nil {
		s.t.Fatal(err)
	}
	var status transport.Status
	if err := json.Unmarshal(reply.Text, &status); err != nil {
		s.t.Fatal(err)
	}
	if len(status.Members) != 3 || len(status.Gossip) != 3 {
		s.t.Errorf("with workers in the gossip there are %d members, and gossip shows %d nodes", len(status.Members), len(status.Gossip))
	}
	states := map[string]string{}
	for _, w := range status.Workers {
		states[w.Session] = w.State
	}
	return states
}

// A worker that is killed is replaced soon after EarlyEnd when its session agreed to that and gossip misses it; when it did not agree, or gossip does not hear it because it has another key, its
// partitions wait for its TTL. It comes back each time under the same id.
func TestHowSoonAKilledWorkerIsReplaced(t *testing.T) {
	s := newStage(t)
	survivor := s.join("survivor", client.SessionOptions{TTL: ttl}, nil, nil)
	key, other := localcluster.GossipKey(), []byte(strings.Repeat("x", 32))
	took := map[string]time.Duration{}
	for _, c := range []struct {
		what  string
		key   []byte
		early time.Duration
	}{{"agreed", key, early}, {"did not agree", key, 0}, {"agreed, not heard", other, early}} {
		victim := s.start("victim", c.key, c.early)
		s.until("the victim has its part", func() bool { return len(survivor.Owned()) == partitions/2 })
		time.Sleep(2 * time.Second) // as workers live on
		if c.key[0] == key[0] {
			s.until("the nodes hear the victim", func() bool {
				for _, state := range s.told() {
					if state == "alive" {
						return true
					}
				}
				return false
			})
		}
		victim.Kill()
		took[c.what] = s.until("the survivor has everything", func() bool { return len(survivor.Owned()) == partitions })
		t.Logf("a killed worker that %s is replaced after %v; TTL %v, EarlyEnd %v", c.what, took[c.what].Round(10*time.Millisecond), ttl, c.early)
	}
	if took["agreed"] < early*2/3-100*time.Millisecond || took["agreed"] > early+2*time.Second {
		t.Errorf("with EarlyEnd %v it took %v", early, took["agreed"])
	}
	for _, what := range []string{"did not agree", "agreed, not heard"} {
		if took[what] < ttl*2/3-100*time.Millisecond {
			t.Errorf("a worker that %s was replaced after %v; its TTL is %v", what, took[what], ttl)
		}
	}
}

// losses notes the partitions that a worker lost.
type losses struct {
	mu    sync.Mutex
	count int
}

func (l *losses) OnAssigned(context.Context, int, uint64) {}

func (l *losses) OnRevoked(ctx context.Context, _ int, _ uint64) {
	if ctx.Err() != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count++
	}
}

// Every node declares a worker dead that lives, because its gossip has ended without a word. Its keepalives get through, so it keeps its session, its partitions and its tokens.
func TestAFalseDeathTakesNothing(t *testing.T) {
	s := newStage(t)
	gossip, err := Join(Config{ClusterName: localcluster.ClusterName, Nodes: s.nodes.Gossip, Key: localcluster.GossipKey(), ListenAddress: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	lost := &losses{}
	agreed := client.SessionOptions{TTL: 15 * time.Second, EarlyEnd: 5 * time.Second} // keepalives get through in that time on a busy machine too
	worker := s.join("lives", agreed, gossip, lost)
	session := worker.Credentials().Session
	s.until("it owns everything", func() bool { return len(worker.Owned()) == partitions })
	s.until("the nodes hear it", func() bool { return s.told()[session] == "alive" && gossip.Heard(t.Context()) })
	owned := worker.Owned()
	if err := gossip.Close(); err != nil {
		t.Fatal(err)
	}
	s.until("the nodes declare it dead", func() bool { return s.told()[session] == "dead" })
	time.Sleep(3 * agreed.EarlyEnd)
	if gossip.Heard(t.Context()) {
		t.Error("a member that has ended is heard")
	}
	if now := worker.Credentials().Session; now != session || fmt.Sprint(worker.Owned()) != fmt.Sprint(owned) {
		t.Errorf("it serves %v under session %s now, and served %v under %s", worker.Owned(), now, owned, session)
	}
	lost.mu.Lock()
	defer lost.mu.Unlock()
	if lost.count != 0 {
		t.Errorf("it lost %d partitions", lost.count)
	}
}
