package resp

import (
	"strings"
	"testing"
)

// The answers of the connection's own commands; those to Redis commands were compared with redis-server 7.0.15.
func TestConnectionCommands(t *testing.T) {
	client := openDoor(t, nil).dial()
	for _, each := range []exchange{
		{"PING", "+PONG"},
		{"PING hello", `"hello"`},
		{"PING a b", "-ERR wrong number of arguments for 'ping' command"},
		{"ECHO hi", `"hi"`},
		{"ECHO", "-ERR wrong number of arguments for 'echo' command"},
		{"FOO a b", "-ERR unknown command 'FOO', with args beginning with: 'a' 'b' "},
		{"foo", "-ERR unknown command 'foo', with args beginning with: "},
		{`""`, "-ERR unknown command '', with args beginning with: "},
		{"SELECT 16", "-ERR DB index is out of range"},
		{"SELECT -1", "-ERR DB index is out of range"},
		{"SELECT a", "-ERR value is not an integer or out of range"},
		{"SELECT 0 1", "-ERR wrong number of arguments for 'select' command"},
		{"SELECT 15", "+OK"},
		{"HELLO x", "-ERR Protocol version is not an integer or out of range"},
		{"HELLO 1", "-NOPROTO unsupported protocol version"},
		{"HELLO 4", "-NOPROTO unsupported protocol version"},
		{"HELLO 2 AUTH a b", "-WRONGPASS invalid username-password pair or user is disabled."},
		{"HELLO 2 FOO", "-ERR Syntax error in HELLO option 'FOO'"},
		{"HELLO 2 AUTH a", "-ERR Syntax error in HELLO option 'AUTH'"},
		{"HELLO 2 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'"},
		{"AUTH", "-ERR wrong number of arguments for 'auth' command"},
		{"AUTH a b c", "-ERR syntax error"},
		{"AUTH x", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"},
		{"AUTH default x", "+OK"},
		{"AUTH foo x", "-WRONGPASS invalid username-password pair or user is disabled."},
		{"CLIENT", "-ERR wrong number of arguments for 'client' command"},
		{"CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP."},
		{"CLIENT ID", ":1"},
		{"CLIENT ID x", "-ERR wrong number of arguments for 'client|id' command"},
		{"CLIENT GETNAME", "nil"},
		{"CLIENT SETNAME ab", "+OK"},
		{"CLIENT GETNAME", `"ab"`},
		{"CLIENT SETNAME ab c", "-ERR wrong number of arguments for 'client|setname' command"},
		{"CLIENT SETINFO LIB-NAME lib", "+OK"},
		{"CLIENT SETINFO LIB-FOO lib", "-ERR Unrecognized option 'LIB-FOO'"},
		{"CLIENT NO-EVICT on", "+OK"},
		{"CLIENT NO-EVICT x", "-ERR syntax error"},
		{"CLIENT NO-TOUCH off", "+OK"},
		{"CLIENT CAPA redirect", "+OK"},
		{"CLIENT TRACKING OFF", "+OK"},
		{"CLIENT TRACKING x", "-ERR syntax error"},
		{"CLIENT TRACKING ON", "-ERR client-side caching is not supported: coordd sends no invalidations; switch it off in the client"},
		{"CLIENT CACHING YES", "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"},
		{"CLIENT GETREDIR", ":-1"},
		{"CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'"},
		{"CLIENT LIST TYPE pubsub", `""`},
		{"CLIENT LIST ID 2 3", `""`},
		{"CLIENT LIST FOO", "-ERR syntax error"},
		{"CLIENT KILL 1.2.3.4:1", "-ERR No such client"},
		{"CLIENT KILL ID 99999", ":0"},
		{"CLIENT KILL FOO 99999", "-ERR syntax error"},
		{"CLIENT REPLY FOO", "-ERR syntax error"},
		{"READWRITE", "-ERR This instance has cluster support disabled"},
		{"CLUSTER INFO", "-ERR This instance has cluster support disabled"},
		{"CLUSTER INFO x", "-ERR wrong number of arguments for 'cluster|info' command"},
		{"CLUSTER KEYSLOT", "-ERR wrong number of arguments for 'cluster|keyslot' command"},
		{"CLUSTER KEYSLOT x", "-ERR This instance has cluster support disabled"},
		{"CLUSTER FOO", "-ERR unknown subcommand 'FOO'. Try CLUSTER HELP."},
		{"CLUSTER", "-ERR wrong number of arguments for 'cluster' command"},
		{"CONFIG", "-ERR wrong number of arguments for 'config' command"},
		{"CONFIG GET", "-ERR wrong number of arguments for 'config|get' command"},
		{"CONFIG FOO a", "-ERR unknown subcommand 'FOO'. Try CONFIG HELP."},
		{"CONFIG GET databases timeout", `["databases" "16" "timeout" "0"]`},
		{"CONFIG GET MAXMEMORY-*", `["maxmemory-policy" "noeviction"]`},
		{"CONFIG GET MaxMemory maxmemory TIMEOUT", `["MaxMemory" "0" "TIMEOUT" "0"]`},
		{"CONFIG GET nothing", "[]"},
		{"CONFIG SET timeout 3", "-ERR CONFIG SET is refused: coordd is configured by its flags, environment and config file"},
		{"WAIT a b", "-ERR value is not an integer or out of range"},
		{"WAIT 0 x", "-ERR timeout is not an integer or out of range"},
		{"WAIT 0 -1", "-ERR timeout is negative"},
		{"WAIT 2 100", ":1"},
		{"WAITAOF 1 1 100", "[:1 :1]"},
		{"WAITAOF 1 x 100", "-ERR value is out of range, must be positive"},
		{"ROLE x", "-ERR wrong number of arguments for 'role' command"},
		{"EXEC", "-ERR EXEC without MULTI"},
		{"DISCARD", "-ERR DISCARD without MULTI"},
		{"UNWATCH", "+OK"},
		{"WATCH", "-ERR wrong number of arguments for 'watch' command"},
		{"COMMAND FOO", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP."},
		{"COMMAND COUNT 1", "-ERR wrong number of arguments for 'command|count' command"},
		{"COMMAND GETKEYS set a b", `["a"]`},
		{"COMMAND GETKEYS mset a 1 b 2", `["a" "b"]`},
		{"COMMAND GETKEYS eval x 1 a b", `["a"]`},
		{"COMMAND GETKEYS eval x 0", "[]"},
		{"COMMAND GETKEYS eval x 9 a", "[]"},
		{"COMMAND GETKEYS PING", "-ERR wrong number of arguments for 'command|getkeys' command"},
		{"COMMAND GETKEYS foo bar", "-ERR Invalid command specified"},
		{"COMMAND GETKEYS mset a", "-ERR Invalid number of arguments specified for command"},
		{"COMMAND GETKEYS ping a", "-ERR The command has no key arguments"},
		{"COMMAND GETKEYS lock.acquire a px 100", `["a"]`},
		{"COMMAND INFO foo get", `[nil ["get" :2 [+readonly +fast] :1 :1 :1 [+@read +@string +@fast] [] [] []]]`},
		{"FLUSHALL", "-ERR FLUSHALL is refused: it would end every lock of every team at once; delete names with DEL"},
		{"RENAME a b", "-ERR RENAME is refused: it would bring an old fencing token onto a name; SET the new name and DEL the old one in a transaction"},
		{"PUBLISH a b", "-ERR PUBLISH is refused: coordd does not deliver messages"},
		{"HELP NOSUCH", "-ERR there is no command 'nosuch'; HELP lists all"},
		{"HELP session.renew", `[+SESSION.RENEW id secret [ACK waiter ...] +    Extends a session, and with it all it holds; answers the losses that its client has not acknowledged. A connection that sends this waits for locks with ASYNC only.]`},
		{"RESET a", "-ERR wrong number of arguments for 'reset' command"},
		{"RESET", "+RESET"},
		{"CLIENT GETNAME", "nil"},
		{"COORDD.TRANSFER", "-ERR this node cannot change its cluster"},
	} {
		client.want(each.request, each.reply)
	}
	if got := show(client.doArguments("CLIENT", "SETNAME", "a b")); got != "-ERR Client names cannot contain spaces, newlines or special characters." {
		t.Error(got)
	}
	client.want("QUIT", "+OK")
	client.wantClosed()
}

// In RESP3 maps are maps, and texts for people are verbatim strings.
func TestRepliesInRESP3(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.do("HELLO 3")
	client.want("CONFIG GET databases", `{"databases" "16"}`)
	client.want("GET none", "nil")
	client.want("COMMAND INFO dbsize", `[["dbsize" :1 ~[+readonly +fast] :0 :0 :0 ~[+@keyspace +@read +@fast] [] [] []]]`)
	if info := client.do("INFO clients"); info.Format != "txt" || !strings.HasPrefix(string(info.Text), "# Clients\r\nconnected_clients:1\r\nmaxclients:10000\r\nblocked_clients:0\r\n") {
		t.Errorf("INFO is %s %s", info.Type, show(info))
	}
	client.want("SUBSCRIBE a", `>["subscribe" "a" :1]`)
	client.want("GET none", "nil")
	client.want("UNSUBSCRIBE", `>["unsubscribe" "a" :0]`)
	client.want("UNSUBSCRIBE", `>["unsubscribe" nil :0]`)
	client.want("MULTI", "+OK")
	client.want("HELLO 2", "+QUEUED")
	client.want("CONFIG GET databases", "+QUEUED")
	client.wantPrefix("EXEC", `[["server" "redis" "version" "7.2.4" "proto" :2 `)
}

func TestSubscribedConnectionsOfRESP2AreRestricted(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("SUBSCRIBE a", `["subscribe" "a" :1]`)
	client.want("PSUBSCRIBE p*", `["psubscribe" "p*" :2]`)
	client.want("SSUBSCRIBE s", `["ssubscribe" "s" :1]`)
	client.want("GET a", "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	client.want("PING x", `["pong" "x"]`)
	client.want("RESET", "+RESET")
	client.want("GET a", "nil")
}

func TestClientReply(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.send(request("CLIENT REPLY SKIP") + request("SET a 1") + request("GET a"))
	if got := show(client.next()); got != `"1"` {
		t.Errorf("after SKIP: %s", got)
	}
	client.send(request("CLIENT REPLY OFF") + request("SET a 2") + request("GET a") + request("CLIENT REPLY ON") + request("GET a"))
	if got := show(client.next()) + show(client.next()); got != `+OK"2"` {
		t.Errorf("after OFF and ON: %s", got)
	}
}

// The databases of one connection are apart, and SELECT inside MULTI counts from its place on.
func TestDatabasesAreApart(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("SET a zero", "+OK")
	client.want("SELECT 5", "+OK")
	client.want("GET a", "nil")
	client.want("SET a five", "+OK")
	client.want("MULTI", "+OK")
	client.want("GET a", "+QUEUED")
	client.want("SELECT 0", "+QUEUED")
	client.want("GET a", "+QUEUED")
	client.send(request("EXEC") + request("GET a"))
	if got := show(client.next()) + show(client.next()); got != `["five" +OK "zero"]"zero"` {
		t.Error(got)
	}
}

// Every command has what COMMAND, HELP and the checks need, and none is both carried out twice or not at all.
func TestEveryRowIsComplete(t *testing.T) {
	for name, r := range commandsByName {
		rows := append([]*row{r}, r.children...)
		for _, each := range rows {
			if each.summary == "" && !r.hidden {
				t.Errorf("%s has no summary", each.fullName())
			}
			if each.arity == 0 || each.group == "" {
				t.Errorf("%s has no arity or no group", each.fullName())
			}
			ways := 0
			if each.parse != nil {
				ways++
			}
			if each.handle != nil || each.children != nil {
				ways++
			}
			if ways != 1 {
				t.Errorf("%s is carried out in %d ways", each.fullName(), ways)
			}
			if len(name) > longestName {
				t.Errorf("%s is longer than %d", name, longestName)
			}
		}
	}
}

// HELP and COMMAND DOCS know every command that is listed, and every container explains itself.
func TestHelpKnowsEverything(t *testing.T) {
	client := openDoor(t, nil).dial()
	all := show(client.do("HELP"))
	client.do("HELLO 3")
	docs := client.do("COMMAND DOCS")
	if got := int64(len(docs.Elements) / 2); got != client.do("COMMAND COUNT").Integer || int64(len(client.do("COMMAND").Elements)) != got || int64(len(client.do("COMMAND LIST").Elements)) != got {
		t.Errorf("COMMAND, COUNT, LIST and DOCS do not agree on how many commands there are; DOCS says %d", got)
	}
	for _, r := range commandsSorted {
		if !strings.Contains(all, strings.ToUpper(r.name)) {
			t.Errorf("HELP does not list %s", r.name)
		}
		if help := show(client.do("HELP " + r.name)); !strings.Contains(help, strings.ToUpper(r.name)) {
			t.Errorf("HELP %s says %s", r.name, help)
		}
		if r.children != nil {
			if help := show(client.do(r.name + " HELP")); !strings.Contains(help, "Subcommands are:") {
				t.Errorf("%s HELP says %s", r.name, help)
			}
		}
	}
}

func TestClientListAndKill(t *testing.T) {
	d := openDoor(t, nil)
	one, two := d.dial(), d.dial()
	one.want("CLIENT SETNAME one", "+OK")
	two.want("CLIENT SETNAME two", "+OK")
	two.want("SELECT 3", "+OK")
	list := string(one.do("CLIENT LIST").Text)
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "id=1 ") || !strings.Contains(lines[1], " name=two ") || !strings.Contains(lines[1], " db=3 ") || !strings.Contains(lines[1], " cmd=select ") {
		t.Errorf("CLIENT LIST says\n%s", list)
	}
	one.want("CLIENT KILL ID 2", ":1")
	two.wantClosed()
	one.want("CLIENT KILL TYPE normal", "-ERR syntax error")
	one.want("CLIENT KILL ADDR "+one.conn.LocalAddr().String()+" SKIPME no", ":1")
	one.wantClosed()
}
