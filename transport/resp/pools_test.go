package resp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// pairsOf reads partition, token, partition, token … as arguments of POOL.ACK.
func pairsOf(t *testing.T, assignment wire.Value) (pairs string, count int) {
	t.Helper()
	owned := valueField(t, assignment, "owned").Elements
	for _, v := range owned {
		pairs += fmt.Sprintf(" %d", v.Integer)
	}
	return pairs, len(owned) / 2
}

func valueField(t *testing.T, value wire.Value, name string) wire.Value {
	t.Helper()
	for i := 0; i+1 < len(value.Elements); i += 2 {
		if string(value.Elements[i].Text) == name {
			return value.Elements[i+1]
		}
	}
	t.Fatalf("%s has no %s", show(value), name)
	return wire.Value{}
}

func TestPoolsOverTheWire(t *testing.T) {
	for _, protocol := range []string{"2", "3"} {
		d := openDoor(t, nil)
		client := d.dial()
		client.do("HELLO " + protocol)
		created := client.do("POOL.CREATE orders PARTITIONS 8 DEBOUNCE 0 ZONES apart MOVES 4")
		if field(t, created, "partitions") != 8 || textField(t, created, "zones") != "apart" || field(t, created, "drain_ms") != 30_000 {
			t.Fatalf("created %s", show(created))
		}
		incarnation := textField(t, created, "incarnation")
		client.wantPrefix("POOL.CREATE orders PARTITIONS 9", "-POOLEXISTS ")
		one, two := client.session("PX 60000"), client.session("PX 60000")
		joined := client.do("POOL.JOIN orders w1 SESSION " + one + " WEIGHT 1 ZONE north ADDRESS 10.0.0.1:80 GRACE 1000")
		if textField(t, joined, "state") != "active" || textField(t, joined, "incarnation") != incarnation {
			t.Errorf("joined %s", show(joined))
		}
		_, count := pairsOf(t, client.do("POOL.ASSIGNMENT orders w1 SESSION "+one))
		if count != 8 {
			t.Errorf("the only worker owns %d of 8 partitions", count)
		}
		client.do("POOL.JOIN orders w2 SESSION " + two)
		client.wantPrefix("POOL.JOIN orders w1 SESSION "+two, "-WORKERBUSY worker 'w1' is session ")
		if busy := show(client.do("POOL.JOIN orders w1 SESSION " + two)); !strings.Contains(busy, `"remaining_ms":60000`) {
			t.Errorf("the details are missing in %s", busy)
		}
		assignment := client.do("POOL.ASSIGNMENT orders w1 SESSION " + one)
		if draining := valueField(t, assignment, "draining").Elements; len(draining) != 4 {
			t.Errorf("%s", show(assignment))
		}
		pairs, _ := pairsOf(t, assignment)
		if released := field(t, client.do("POOL.ACK orders w1 SESSION "+one+pairs), "released"); released != 8 {
			t.Errorf("%d released", released)
		}
		if _, count := pairsOf(t, client.do("POOL.ASSIGNMENT orders w2 SESSION "+two)); count != 4 {
			t.Errorf("the second worker owns %d", count)
		}
		whole := client.do("POOL.TABLE orders")
		if field(t, whole, "delta") != 0 || len(valueField(t, whole, "changes").Elements) != 8*4 || len(valueField(t, whole, "workers").Elements) != 6 {
			t.Errorf("table %s", show(whole))
		}
		since := fmt.Sprintf(" SINCE %d INCARNATION %s", field(t, whole, "version"), incarnation)
		if same := client.do("POOL.TABLE orders" + since); field(t, same, "delta") != 1 || len(valueField(t, same, "changes").Elements) != 0 {
			t.Errorf("nothing has changed, and %s", show(same))
		}
		if text := textField(t, client.do("POOL.EXPLAIN orders key"), "text"); !strings.Contains(text, "partition 2") {
			t.Error(text)
		}
		client.want("POOL.PIN orders 2 w1", "+OK")
		client.want(`POOL.PIN orders 2 ""`, "+OK")
		if altered := client.do("POOL.ALTER orders MOVES 2"); field(t, altered, "moves") != 2 || textField(t, altered, "zones") != "apart" {
			t.Errorf("altered %s", show(altered))
		}
		if left := client.do("POOL.LEAVE orders w1 SESSION " + one + " RESTART 1000"); textField(t, left, "state") != "reserved" {
			t.Errorf("left %s", show(left))
		}
		client.wantPrefix("POOL.DELETE orders "+incarnation, "-POOLBUSY ")
		client.do("POOL.EVICT orders w1 REASON test")
		if evicted := client.do("POOL.EVICT orders w2 REASON test NOW"); field(t, evicted, "partitions") == 0 {
			t.Errorf("evicted %s", show(evicted))
		}
		if info := client.do("POOL.INFO orders"); field(t, info, "workers_total") != 0 || field(t, info, "free") != 8 {
			t.Errorf("info %s", show(info))
		}
		client.want("POOL.DELETE orders "+incarnation, "+OK")
		client.want("POOL.DELETE orders "+incarnation, "+OK")
		client.wantPrefix("POOL.INFO orders", "-NOPOOL ")
		if list := client.do("POOL.LIST"); len(list.Elements) != 0 {
			t.Errorf("pools %s", show(list))
		}
	}
}

// Wrong requests about pools are answered with a sentence, and nothing is proposed.
func TestWrongPoolRequests(t *testing.T) {
	client := openDoor(t, nil).dial()
	owner := client.session("")
	for _, each := range []exchange{
		{"POOL.CREATE p PARTITIONS 0", `-ERR POOL.CREATE: "partitions" takes a number from 1 to 65536, not "0"`},
		{"POOL.CREATE p PARTITIONS 65537", `-ERR POOL.CREATE: "partitions" takes a number from 1 to 65536, not "65537"`},
		{"POOL.CREATE p ZONES near", `-ERR POOL.CREATE: ZONES is ignored, apart or even, not "near"`},
		{"POOL.CREATE p DRAIN 99", `-ERR DRAIN takes milliseconds from 100 to 3600000, not "99"`},
		{"POOL.CREATE p FOO 1", `-ERR POOL.CREATE does not know "FOO" here; see HELP POOL.CREATE`},
		{"POOL.CREATE " + strings.Repeat("n", 513), "-LIMIT a pool's name has 1 to 512 bytes; this one has 513"},
		{"POOL.ALTER p PARTITIONS 8", "-ERR POOL.ALTER cannot change PARTITIONS: every key would be in another one; make another pool"},
		{"POOL.DELETE p x", `-ERR "x" is not a pool's incarnation such as 812-3; POOL.INFO tells it`},
		{"POOL.JOIN p w FOO a b", "-ERR POOL.JOIN: SESSION id secret comes behind the worker; see HELP POOL.JOIN"},
		{"POOL.JOIN p w SESSION x y", `-ERR "x" is not a session id such as 812-3`},
		{"POOL.JOIN p w SESSION " + owner + " WEIGHT 0", `-ERR POOL.JOIN: "weight" takes a number from 1 to 1048576, not "0"`},
		{"POOL.JOIN p " + strings.Repeat("w", 129) + " SESSION " + owner, "-LIMIT a worker's id has 1 to 128 bytes; this one has 129"},
		{"POOL.JOIN p w SESSION " + owner, "-NOPOOL there is no pool 'p'; make it with POOL.CREATE"},
		{"POOL.LEAVE p w SESSION " + owner + " RESTART 0", `-ERR RESTART takes milliseconds from 1 to 600000, not "0"`},
		{"POOL.ACK p w SESSION " + owner + " 1 2 3", "-ERR POOL.ACK takes pairs of a partition and its token, 4096 at most"},
		{"POOL.ACK p w SESSION " + owner + " 65536 2", `-ERR "65536" is not a partition`},
		{"POOL.ACK p w SESSION " + owner + " 1 0", `-ERR "0" is not a fencing token; give the number that POOL.ASSIGNMENT answered`},
		{"POOL.EVICT p w NOW", "-ERR POOL.EVICT needs REASON text, for those who read the log later"},
		{"POOL.TABLE p SINCE 4", "-ERR POOL.TABLE takes SINCE together with INCARNATION: versions of another incarnation mean nothing"},
		{"POOL.WATCH p", "-ERR POOL.WATCH pushes, which RESP2 cannot tell from answers; send HELLO 3, or use POOL.TABLE with BLOCK"},
		{"POOL.UNWATCH p", "+OK"},
	} {
		client.want(each.request, each.reply)
	}
	client.do("SESSION.RENEW " + owner)
	client.wantPrefix("POOL.TABLE p BLOCK 10", "-ERR POOL.TABLE with BLOCK is refused on a connection that has sent SESSION.RENEW")
}

// A table that is waited for comes as soon as something has changed, and unchanged when nothing does.
func TestPoolTableWaits(t *testing.T) {
	d := openDoor(t, nil)
	client, other := d.dial(), d.dial()
	created := client.do("POOL.CREATE p PARTITIONS 4 DEBOUNCE 0")
	have := fmt.Sprintf("POOL.TABLE p SINCE %d INCARNATION %s", field(t, created, "version"), textField(t, created, "incarnation"))
	if same := client.do(have + " BLOCK 30"); field(t, same, "version") != field(t, created, "version") || field(t, same, "delta") != 1 {
		t.Errorf("after waiting for nothing: %s", show(same))
	}
	client.send(have + " BLOCK 60000\r\n")
	owner := other.session("PX 60000")
	other.do("POOL.JOIN p w SESSION " + owner)
	if changed := client.next(); len(valueField(t, changed, "changes").Elements) != 16 {
		t.Errorf("after a join: %s", show(changed))
	}
}

// A watch continues its answer with pushes, each from where the last one ended, and ends when the pool does.
func TestPoolWatch(t *testing.T) {
	d := openDoor(t, nil)
	watcher, other := d.dial().hello3(), d.dial()
	other.do("POOL.CREATE p PARTITIONS 4 DEBOUNCE 0")
	first := watcher.do("POOL.WATCH p")
	version := field(t, first, "version")
	owner := other.session("PX 5000")
	other.do("POOL.JOIN p w SESSION " + owner)
	next := func() wire.Value {
		t.Helper()
		pushed := watcher.next()
		if pushed.Type != wire.Push || len(pushed.Elements) != 3 || string(pushed.Elements[0].Text) != "pool" || string(pushed.Elements[1].Text) != "p" {
			t.Fatalf("received %s", show(pushed))
		}
		return pushed.Elements[2]
	}
	for owned := 0; owned < 4; {
		table := next()
		if field(t, table, "from") != version {
			t.Fatalf("%s does not continue version %d", show(table), version)
		}
		version = field(t, table, "version")
		owned += len(valueField(t, table, "changes").Elements) / 4
	}
	d.node.Advance(6 * time.Second) // the session ends
	if table := next(); field(t, table, "from") != version {
		t.Errorf("%s does not continue version %d", show(table), version)
	}
	other.want("POOL.DELETE p "+textField(t, first, "incarnation"), "+OK")
	if gone := next(); gone.Type != wire.Nil {
		t.Errorf("after the pool is gone: %s", show(gone))
	}
	watcher.want("POOL.UNWATCH p", "+OK")
	watcher.want("PING", "+PONG")
}
