package resp

import (
	"strings"
	"testing"
)

// exchange is a request, in words, and how its reply begins as show writes it.
type exchange struct{ request, reply string }

const (
	hello2  = `["server" "redis" "version" "7.2.4" "proto" :2 "id" :`
	hello3  = `{"server" "redis" "version" "7.2.4" "proto" :3 "id" :`
	cluster = "-ERR This instance has cluster support disabled"
)

// handshakes are what clients send between connecting and their first command, and what of the answer they depend on.
var handshakes = []struct {
	client    string
	pipelined bool
	exchanges []exchange
}{
	{"go-redis 9", false, []exchange{
		{"hello 3 setname worker-1", hello3},
		{"select 2", "+OK"},
		{"client maint_notifications on moving-endpoint-type internal-ip", "-ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP."},
		{"client setinfo LIB-NAME go-redis(,go1.26)", "+OK"},
		{"client setinfo LIB-VER 9.22.0", "+OK"},
	}},
	{"rueidis, client-side caching off", true, []exchange{
		{"HELLO 3", hello3},
		{"SELECT 0", "+OK"},
		{"CLIENT SETINFO LIB-NAME rueidis", "+OK"},
		{"CLIENT SETINFO LIB-VER 1.0.79", "+OK"},
		{"CLUSTER SLOTS", cluster},
		{"PING", "+PONG"},
	}},
	{"rueidis, client-side caching on", true, []exchange{
		{"HELLO 3", hello3},
		{"CLIENT TRACKING ON OPTIN", "-ERR client-side caching is not supported"},
	}},
	{"redigo", false, []exchange{
		{"CLIENT SETNAME redigo", "+OK"},
		{"SELECT 1", "+OK"},
	}},
	{"ioredis 6", false, []exchange{
		{"hello 3", hello3},
		{"select 0", "+OK"},
		{"client setname io", "+OK"},
		{"readonly", cluster},
		{"client SETINFO LIB-VER 6.0.0", "+OK"},
		{"client SETINFO LIB-NAME ioredis", "+OK"},
		{"info", `"# Server\r\nredis_version:7.2.4`},
	}},
	{"ioredis 5", false, []exchange{
		{"select 0", "+OK"},
		{"client SETINFO LIB-VER 5.11.0", "+OK"},
		{"client SETINFO LIB-NAME ioredis", "+OK"},
		{"info", `"# Server\r\nredis_version:7.2.4`},
	}},
	{"node-redis 6", true, []exchange{
		{"HELLO 3 SETNAME node", hello3},
		{"SELECT 0", "+OK"},
		{"READONLY", cluster},
		{"CLIENT SETINFO LIB-NAME node-redis", "+OK"},
		{"CLIENT SETINFO LIB-VER 6.3.1", "+OK"},
		{"CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-ip", "-ERR unknown subcommand"},
	}},
	{"node-redis 4", true, []exchange{
		{"SELECT 0", "+OK"},
		{"CLIENT SETINFO LIB-NAME node-redis", "+OK"},
		{"CLIENT SETINFO LIB-VER 4.7.0", "+OK"},
	}},
	{"redis-py 8", false, []exchange{
		{"HELLO 3", hello3},
		{"CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-ip", "-ERR unknown subcommand"},
		{"CLIENT SETNAME py", "+OK"},
		{"CLIENT SETINFO LIB-NAME redis-py", "+OK"},
		{"CLIENT SETINFO LIB-VER 8.1.0", "+OK"},
		{"SELECT 3", "+OK"},
		{"PING", "+PONG"},
	}},
	{"redis-py 4", false, []exchange{
		{"CLIENT SETNAME py", "+OK"},
		{"SELECT 3", "+OK"},
	}},
	{"Lettuce", false, []exchange{
		{"HELLO 3 SETNAME lettuce", hello3},
		{"SELECT 1", "+OK"},
		{"CLIENT SETINFO lib-name Lettuce", "+OK"},
		{"CLIENT SETINFO lib-ver 6.5.0.RELEASE", "+OK"},
		{"CLIENT MAINT_NOTIFICATIONS ON", "-ERR unknown subcommand"},
	}},
	{"Jedis", true, []exchange{
		{"CLIENT SETNAME jedis", "+OK"},
		{"CLIENT SETINFO LIB-NAME jedis", "+OK"},
		{"CLIENT SETINFO LIB-VER 6.0.0", "+OK"},
		{"READONLY", cluster},
		{"SELECT 0", "+OK"},
	}},
	{"Redisson", false, []exchange{
		{"SELECT 0", "+OK"},
		{"CLIENT SETNAME redisson", "+OK"},
		{"CLIENT CAPA redirect", "+OK"},
		{"READONLY", cluster},
		{"PING", "+PONG"},
		{"CLUSTER NODES", cluster},
		{"INFO REPLICATION", `"# Replication\r\nrole:master\r\nconnected_slaves:0\r\n`},
		{"WAIT 0 0", ":1"},
		{"WAITAOF 0 0 0", "[:1 :1]"},
	}},
	{"redis-client.rb", true, []exchange{
		{"HELLO 3", hello3},
		{"SELECT 0", "+OK"},
		{"CLIENT SETINFO LIB-NAME redis-client", "+OK"},
		{"CLIENT SETINFO LIB-VER 0.22.0", "+OK"},
		{"ROLE", `["master" :`},
	}},
	{"phpredis and predis", false, []exchange{
		{"SELECT 0", "+OK"},
		{"CLIENT SETNAME php", "+OK"},
	}},
	{"StackExchange.Redis", true, []exchange{
		{"HELLO 2", hello2},
		{"CLIENT SETNAME host", "+OK"},
		{"CLIENT SETINFO lib-name SE.Redis", "+OK"},
		{"CLIENT SETINFO lib-ver 2.9.0", "+OK"},
		{"CLIENT ID", ":"},
		{"CONFIG GET timeout", `["timeout" "0"]`},
		{"CONFIG GET replica-read-only", `["replica-read-only" "yes"]`},
		{"CONFIG GET databases", `["databases" "16"]`},
		{"SENTINEL MASTERS", "-ERR unknown command 'SENTINEL', with args beginning with: 'MASTERS' "},
		{"INFO replication", `"# Replication\r\nrole:master`},
		{"INFO server", `"# Server\r\nredis_version:7.2.4`},
		{"CLUSTER NODES", cluster},
		{"GET __Booksleeve_TieBreak", "nil"},
		{"ECHO 0123456789abcdef", `"0123456789abcdef"`},
	}},
	{"StackExchange.Redis, subscriptions", false, []exchange{
		{"SUBSCRIBE __Booksleeve_MasterChanged", `["subscribe" "__Booksleeve_MasterChanged" :1]`},
		{"PING", `["pong" ""]`},
		{"UNSUBSCRIBE 0123456789abcdef", `["unsubscribe" "0123456789abcdef" :1]`},
	}},
	{"redis-cli 7", false, []exchange{
		{"HELLO 3", hello3},
		{"COMMAND DOCS", `{"auth" {"summary" `},
	}},
}

func TestHandshakesOfClients(t *testing.T) {
	for _, handshake := range handshakes {
		t.Run(handshake.client, func(t *testing.T) {
			client := openDoor(t, nil).dial()
			if handshake.pipelined {
				for _, each := range handshake.exchanges {
					client.send(request(each.request))
				}
			}
			for _, each := range handshake.exchanges {
				if !handshake.pipelined {
					client.send(request(each.request))
				}
				if got := show(client.next()); !strings.HasPrefix(got, each.reply) {
					t.Errorf("%s\n   got %.200s\n  want %s…", each.request, got, each.reply)
				}
			}
		})
	}
}

// Redisson finds out whether it talks to a cluster by a script over two keys, which must not be refused for lying in different slots.
func TestRedissonsClusterDetection(t *testing.T) {
	client := openDoor(t, nil).dial()
	if got := show(client.doArguments("EVAL", "redis.call('get',KEYS[1]) redis.call('get',KEYS[2])", "2", "test1", "test2")); got != "nil" {
		t.Error(got)
	}
}

// The bytes of HELLO in both versions are what every client parses first.
func TestHelloToTheByte(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.send(request("HELLO 2") + request("HELLO 3") + request("HELLO 9"))
	fields := func(proto string) string {
		return "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:" + proto +
			"\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
	}
	want := "*14\r\n" + fields("2") + "%7\r\n" + fields("3") + "-NOPROTO unsupported protocol version\r\n"
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		more, err := client.conn.Read(got[n:])
		if err != nil {
			t.Fatalf("after %q: %v", got[:n], err)
		}
		n += more
	}
	if string(got) != want {
		t.Errorf("got %q", got)
	}
}
