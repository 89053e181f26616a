package pools

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

const goodLog = `
{"index":3,"commands":[{"kind":"pool_join"}],"events":[{"type":"pool_worker","pool":"campaign","worker":"w01","reason":"joined"}],"pools":[{"pool":"campaign","version":2,"partitions":[{"partition":0,"owner":"w01","token":3},{"partition":1,"owner":"w01","token":3}]}]}
{"index":4,"commands":[],"events":[],"pools":[{"pool":"campaign","version":3,"partitions":[{"partition":0,"owner":"w01","token":3,"draining":true}]}]}
{"index":5,"commands":[{"kind":"pool_acknowledge","pool":"campaign","worker":"w01","releases":[{"partition":0,"token":3}]}],"events":[],"pools":[{"pool":"campaign","version":4,"partitions":[{"partition":0,"owner":"w02","token":5}]}]}
{"index":6,"commands":[],"events":[{"type":"pool_worker","pool":"campaign","worker":"w01","reason":"lost"}],"pools":[{"pool":"campaign","version":5,"partitions":[{"partition":1,"owner":"","token":3}]},{"pool":"other","version":5,"partitions":[{"partition":1,"owner":"x","token":1}]}]}
{"index":7,"commands":[],"events":[],"pools":[{"pool":"campaign","version":6,"partitions":[{"partition":1,"owner":"w02","token":7}]}]}
`

func judgeOf(t *testing.T, log string) *committed.PoolHistory {
	t.Helper()
	entries, err := committed.Read(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	return committed.JudgePool(entries, poolName)
}

func TestWritesAreHeldAgainstTheLog(t *testing.T) {
	l := judgeOf(t, goodLog)
	good := []write{{Partition: 0, Worker: 1, Token: 3, Accepted: 1}, {Partition: 0, Worker: 2, Token: 5, Accepted: 1}, {Partition: 0, Worker: 1, Token: 3}}
	c := &campaign{}
	if v := c.storesOrder(good); len(v.violations) != 0 || v.seen != 2 {
		t.Errorf("%+v", v)
	}
	if v := writesUnderGrants(good, l); len(v.violations) != 0 {
		t.Errorf("%+v", v)
	}
	stale := append(good[:2:2], write{Partition: 0, Worker: 1, Token: 3, Accepted: 1})
	if v := c.storesOrder(stale); len(v.violations) != 1 || v.seen != 0 {
		t.Errorf("a stale write was taken, and nothing refused: %+v", v)
	}
	if v := writesUnderGrants([]write{{Partition: 0, Worker: 1, Token: 5, Accepted: 1}}, l); len(v.violations) != 1 {
		t.Errorf("w01 wrote with w02's token: %+v", v)
	}
}

func TestBeliefsOfTwoWorkers(t *testing.T) {
	c := &campaign{fleet: newFleet("", nil)}
	events := []Event{{At: 10, Process: "a", Kind: KindAssigned, Worker: "w01", Token: 3}, {At: 50, Process: "b", Kind: KindAssigned, Worker: "w02", Token: 5}, {At: 60, Process: "a", Kind: KindRevoked, Worker: "w01", Token: 3, Alive: 49}}
	if v := c.beliefs(events); len(v.violations) != 0 || v.seen != 1 {
		t.Errorf("%+v", v)
	}
	events[2].Alive = 51
	if v := c.beliefs(events); len(v.violations) != 1 {
		t.Errorf("w01 was sure after w02 was told: %+v", v)
	}
	c.fleet.paused["a"] = []pause{{40, 55}}
	if v := c.beliefs(events); len(v.violations) != 0 {
		t.Errorf("a process that was stopped: %+v", v)
	}
}

// The store's process writes down what it took and refused, in its order.
func TestTheStoreRefusesSmallerTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fencedStore{log: bufio.NewWriter(file), marks: map[uint32]uint64{}}
	go s.accept(listener)
	c := &storeClient{address: listener.Addr().String()}
	for _, each := range []struct {
		partition uint32
		token     uint64
		accepted  bool
	}{{7, 9, true}, {7, 8, false}, {8, 8, true}, {7, 9, true}, {7, 10, true}, {7, 9, false}} {
		if accepted, err := c.write(write{Partition: each.partition, Token: each.token, Worker: 3}); err != nil || accepted != each.accepted {
			t.Errorf("%+v: %v, %v", each, accepted, err)
		}
	}
	_ = listener.Close()
	_ = c.socket.Close()
	s.mu.Lock()
	if err := s.log.Flush(); err != nil {
		t.Error(err)
	}
	s.mu.Unlock()
	writes, err := readStoreLog(path)
	if err != nil || len(writes) != 6 || writes[1].Accepted != 0 || writes[5].Worker != 3 || writes[0].At > history.Now() {
		t.Errorf("%d records: %+v, %v", len(writes), writes, err)
	}
}

func TestOrphansHaveALimit(t *testing.T) {
	c := &campaign{plan: Plan{TTL: 3 * time.Second}}
	c.found.orphans = []orphan{{1, "kill a worker", 4 * time.Second, 5 * time.Second}, {2, "kill a worker", 6 * time.Second, 5 * time.Second}}
	if v := c.reowned(); len(v.violations) != 1 || v.seen != 2 {
		t.Errorf("%+v", v)
	}
}

func TestACrashIsFoundThoughTheNodeWasStartedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n1.log")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("level=INFO msg=\"this node follows\"\n")
	if v := crashesIn([]string{path}); v.seen != 1 || len(v.violations) != 0 {
		t.Errorf("a quiet log: %+v", v)
	}
	write("level=INFO msg=\"this node follows\"\npanic: nobody\nlevel=INFO msg=\"this node follows\"\n")
	if v := crashesIn([]string{path}); len(v.violations) != 1 {
		t.Errorf("a crash: %+v", v)
	}
	write("")
	if v := crashesIn([]string{path}); v.seen != 0 || len(v.violations) != 0 {
		t.Errorf("nothing was written, which proves nothing: %+v", v)
	}
}

func TestEarlyEndsAreCounted(t *testing.T) {
	entries, err := committed.Read(strings.NewReader(`
{"index":3,"commands":[],"events":[{"type":"session_ended","session":"1-0","reason":"ended_early"},{"type":"session_ended","session":"2-0","reason":"expired"}]}
{"index":4,"commands":[],"events":[{"type":"session_ended","session":"3-0","reason":"ended_early"}]}
`))
	if early := earlyEnds(entries); err != nil || early != 2 {
		t.Errorf("%d early ends, want 2 (%v)", early, err)
	}
}

func TestWhatAChildWroteThatIsNoEventIsAProblem(t *testing.T) {
	f := newFleet("", nil)
	f.take([]byte(`{"kind":"ready"}`))
	if f.unreadable() != nil {
		t.Fatalf("an event: %v", f.unreadable())
	}
	f.take([]byte("panic: nobody"))
	if f.unreadable() == nil {
		t.Error("what is no event was taken")
	}
}

func TestPlansThatMakeNoSense(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*Plan){
		func(p *Plan) { p.Duration = 0 }, func(p *Plan) { p.TTL = time.Millisecond }, func(p *Plan) { p.Workers = 1 }, func(p *Plan) { p.Workers = 1000 },
		func(p *Plan) { p.Partitions = 3 }, func(p *Plan) { p.Partitions = 1 << 20 }, func(p *Plan) { p.Gossip = "loud" }, func(p *Plan) { p.Lookups = -1 },
	} {
		plan := Default()
		if change(&plan); plan.Validate() == nil {
			t.Errorf("%+v is taken", plan)
		}
	}
}
