package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

func TestTransactions(t *testing.T) {
	client := openDoor(t, nil).dial()
	for _, each := range []exchange{
		{"MULTI", "+OK"},
		{"MULTI", "-ERR MULTI calls can not be nested"},
		{"WATCH a", "-ERR WATCH inside MULTI is not allowed"},
		{"SET a 1", "+QUEUED"},
		{"INCR a", "+QUEUED"},
		{"SET a 2 NONSENSE", "+QUEUED"},
		{"INCRBY a x", "+QUEUED"},
		{"PING", "+QUEUED"},
		{"FENCE a", "+QUEUED"},
		{"EXEC", "[+OK :2 -ERR syntax error -ERR value is not an integer or out of range +PONG :2]"},
		{"EXEC", "-ERR EXEC without MULTI"},

		{"MULTI", "+OK"},
		{"EXEC", "[]"},

		{"MULTI", "+OK"},
		{"SET b 1", "+QUEUED"},
		{"DISCARD", "+OK"},
		{"GET b", "nil"},

		{"MULTI", "+OK"},
		{"SET b 1", "+QUEUED"},
		{"SET b", "-ERR wrong number of arguments for 'set' command"},
		{"EXEC", "-EXECABORT Transaction discarded because of previous errors."},
		{"GET b", "nil"},

		{"MULTI", "+OK"},
		{"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: "},
		{"EXEC", "-EXECABORT Transaction discarded because of previous errors."},

		{"MULTI", "+OK"},
		{"EXEC now", "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"},
		{"EXEC", "-ERR EXEC without MULTI"},

		{"MULTI", "+OK"},
		{"LOCK.ACQUIRE a PX 1000", "-ERR Command not allowed inside a transaction"},
		{"EXEC", "-EXECABORT Transaction discarded because of previous errors."},

		{"MULTI", "+OK"},
		{"CLIENT ID", "+QUEUED"},
		{"SELECT 99", "+QUEUED"},
		{"HELLO 9", "+QUEUED"},
		{"AUTH x", "+QUEUED"},
		{"EXEC", "[:1 -ERR DB index is out of range -NOPROTO unsupported protocol version " +
			"-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?]"},

		{"MULTI", "+OK"},
		{"RESET", "+RESET"},
		{"EXEC", "-ERR EXEC without MULTI"},
	} {
		client.want(each.request, each.reply)
	}
}

func TestWatch(t *testing.T) {
	d := openDoor(t, nil)
	client, other := d.dial(), d.dial()
	transact := func(reply string) {
		t.Helper()
		client.want("MULTI", "+OK")
		client.want("SET done 1", "+QUEUED")
		client.want("EXEC", reply)
	}
	client.want("WATCH a b", "+OK")
	transact("[+OK]")

	client.want("WATCH a b", "+OK")
	other.want("SET b 1", "+OK")
	transact("nil")
	transact("[+OK]")

	client.want("WATCH a", "+OK")
	client.want("SET a mine", "+OK")
	transact("nil")

	client.want("WATCH a", "+OK")
	other.want("SET a theirs", "+OK")
	client.want("UNWATCH", "+OK")
	transact("[+OK]")

	client.want("WATCH a", "+OK")
	other.want("SET a again", "+OK")
	client.want("MULTI", "+OK")
	client.want("DISCARD", "+OK")
	transact("[+OK]")

	client.want("WATCH a", "+OK")
	client.want("WATCH a b", "+OK")
	other.want("SET a once-more", "+OK")
	transact("nil")

	other.want("SET short 1 PX 100", "+OK")
	client.want("WATCH short", "+OK")
	d.node.Advance(200e6)
	transact("nil")

	client.want("WATCH a", "+OK")
	other.want("SELECT 1", "+OK")
	other.want("SET a elsewhere", "+OK")
	transact("[+OK]")
}

// What a client pipelines without reading must mean the same as what it sends step by step.
func TestWatchInAPipeline(t *testing.T) {
	client := openDoor(t, nil).dial()
	sequence := "SET a 1;WATCH a;SET a 2;MULTI;GET a;EXEC;GET a;WATCH a;GET a;MULTI;SET a 3;EXEC;GET a;WATCH a;SET a 4;UNWATCH;MULTI;GET a;EXEC"
	for _, line := range strings.Split(sequence, ";") {
		client.send(request(line))
	}
	var got []string
	for range strings.Split(sequence, ";") {
		got = append(got, show(client.next()))
	}
	want := `+OK +OK +OK +OK +QUEUED nil "2" +OK "2" +OK +QUEUED [+OK] "3" +OK +OK +OK +OK +QUEUED ["4"]`
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// The extension of StackExchange.Redis and of many articles: only the holder extends.
func TestWatchGetMultiExpireExec(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("SET job me NX PX 30000", "+OK")
	before := client.do("FENCE job me").Integer
	client.send(request("WATCH job") + request("GET job"))
	if got := show(client.next()) + show(client.next()); got != `+OK"me"` {
		t.Fatal(got)
	}
	client.send(request("MULTI") + request("PEXPIRE job 60000") + request("EXEC"))
	if got := show(client.next()) + show(client.next()) + show(client.next()); got != "+OK+QUEUED[:1]" {
		t.Fatal(got)
	}
	client.want("PTTL job", ":60000")
	client.want("FENCE job me", fmt.Sprintf(":%d", before))
}

func TestTransactionsAreBounded(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("MULTI", "+OK")
	for range command.MaxOpsPerTransaction {
		client.send(request("PING"))
	}
	for range command.MaxOpsPerTransaction {
		if got := show(client.next()); got != "+QUEUED" {
			t.Fatal(got)
		}
	}
	client.want("PING", "-LIMIT a transaction holds at most 1024 commands; send several")
	client.want("EXEC", "-EXECABORT Transaction discarded because of previous errors.")

	client.want("MULTI", "+OK")
	value := strings.Repeat("v", command.MaxValueBytes)
	for i := range command.MaxEntryBytes / command.MaxValueBytes {
		reply := show(client.doArguments("SET", fmt.Sprint("k", i), value))
		if i < 3 && reply != "+QUEUED" || i == 3 && !strings.HasPrefix(reply, "-LIMIT a transaction holds at most 262144 bytes") {
			t.Fatalf("value %d: %s", i, reply)
		}
	}
	client.want("EXEC", "-EXECABORT Transaction discarded because of previous errors.")
	client.want("DBSIZE", ":0")
}

// The arguments that MULTI keeps must not change when the read buffer is used again.
func TestQueuedArgumentsSurviveTheBuffer(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("MULTI", "+OK")
	client.want("SET first original", "+QUEUED")
	for range 50 {
		client.want("GET "+strings.Repeat("x", 400), "+QUEUED")
	}
	if reply := client.do("EXEC"); len(reply.Elements) != 51 {
		t.Fatal(show(reply))
	}
	client.want("GET first", `"original"`)
}
