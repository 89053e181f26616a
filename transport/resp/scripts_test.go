package resp

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

const compareAndDelete = `if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`

func sha1Of(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestScripts(t *testing.T) {
	d := openDoor(t, nil)
	client := d.dial()
	eval := func(arguments ...string) string { return show(client.doArguments(arguments...)) }
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	sum := sha1Of(compareAndDelete)
	noScript := "-NOSCRIPT No matching script. Please use EVAL."
	check(eval("EVALSHA", sum, "1", "job", "me"), noScript)
	check(eval("EVALSHA", "abc", "1", "job", "me"), noScript)
	check(eval("SCRIPT", "EXISTS", sum, "abc"), "[:0 :0]")
	client.want("SET job me PX 1000", "+OK")
	check(eval("EVAL", compareAndDelete, "1", "job", "other"), ":0")
	check(eval("EVALSHA", strings.ToUpper(sum), "1", "job", "me"), ":1")
	check(eval("SCRIPT", "EXISTS", sum, "abc"), "[:1 :0]")
	check(eval("SCRIPT", "LOAD", "return 7"), fmt.Sprintf("%q", sha1Of("return 7")))
	check(eval("EVALSHA", sha1Of("return 7"), "0"), ":7")
	check(eval("SCRIPT", "FLUSH"), "+OK")
	check(eval("EVALSHA", sum, "1", "job", "me"), noScript)

	check(eval("EVAL", "return 1", "x"), "-ERR value is not an integer or out of range")
	check(eval("EVAL", "return 1", "-1"), "-ERR Number of keys can't be negative")
	check(eval("EVAL", "return 1", "5", "a"), "-ERR Number of keys can't be greater than number of args")
	check(eval("SCRIPT", "FLUSH", "X"), "-ERR SCRIPT FLUSH only support SYNC|ASYNC option")
	check(eval("SCRIPT", "KILL"), "-NOTBUSY No scripts in execution right now.")
	check(eval("SCRIPT", "FOO"), "-ERR unknown subcommand 'FOO'. Try SCRIPT HELP.")
	if got := eval("SCRIPT", "LOAD", "return ("); !strings.HasPrefix(got, "-ERR Error compiling script (new function): user_script:1: ") {
		t.Error(got)
	}
	if got := eval("EVAL_RO", "return redis.call('set', KEYS[1], 'x')", "1", "a"); !strings.HasPrefix(got, "-ERR Write commands are not allowed from read-only scripts.") {
		t.Error(got)
	}
	check(eval("EVAL_RO", "return redis.call('get', KEYS[1])", "1", "a"), "nil")
}

// A script that one node has seen runs by its SHA1 on every other: the texts are replicated.
func TestScriptsAreKnownOnEveryNode(t *testing.T) {
	first := openDoor(t, nil)
	second := openDoorOver(t, first.node, nil) // another door to the same state
	one, two := first.dial(), second.dial()
	if got := show(one.doArguments("EVAL", compareAndDelete, "1", "job", "me")); got != ":0" {
		t.Fatal(got)
	}
	if got := show(two.doArguments("EVALSHA", sha1Of(compareAndDelete), "1", "job", "me")); got != ":0" {
		t.Error(got)
	}
	if got := show(one.doArguments("SCRIPT", "LOAD", "return 9")); got != fmt.Sprintf("%q", sha1Of("return 9")) {
		t.Error(got)
	}
	if got := show(two.doArguments("EVALSHA", sha1Of("return 9"), "0")); got != ":9" {
		t.Error(got)
	}
}

// Only the first EVAL of a text tells the cluster about it; those after it cost what they are.
func TestKnownScriptsAreNotSentAgain(t *testing.T) {
	d := openDoor(t, nil)
	client := d.dial()
	run := func() uint64 {
		before := d.node.Entries()
		if got := show(client.doArguments("EVAL", compareAndDelete, "1", "job", "me")); got != ":0" {
			t.Fatal(got)
		}
		return d.node.Entries() - before
	}
	if first, second := run(), run(); first != 2 || second != 1 {
		t.Errorf("the first EVAL took %d entries and the second %d", first, second)
	}
	read := func() uint64 {
		before := d.node.Entries()
		client.doArguments("EVAL", "return redis.call('pttl', KEYS[1])", "1", "job")
		return d.node.Entries() - before
	}
	read()
	if again := read(); again != 0 {
		t.Errorf("a script that only reads took %d entries", again)
	}
}

func TestScriptsInTransactions(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("SET job me", "+OK")
	client.want("MULTI", "+OK")
	if got := show(client.doArguments("EVAL", compareAndDelete, "1", "job", "me")); got != "+QUEUED" {
		t.Fatal(got)
	}
	if got := show(client.doArguments("EVALSHA", sha1Of("return 'unknown'"), "0")); got != "+QUEUED" {
		t.Fatal(got)
	}
	if got := show(client.doArguments("SCRIPT", "LOAD", "return 3")); got != "+QUEUED" {
		t.Fatal(got)
	}
	if got := show(client.doArguments("EVALSHA", sha1Of("return 3"), "0")); got != "+QUEUED" {
		t.Fatal(got)
	}
	client.want("EXEC", fmt.Sprintf("[:1 -NOSCRIPT No matching script. Please use EVAL. %q :3]", sha1Of("return 3")))
	if got := show(client.doArguments("EVALSHA", sha1Of("return 3"), "0")); got != ":3" {
		t.Error(got)
	}
}

// A script of a transaction that does not take place is not remembered; one of a transaction that does is, everywhere.
func TestScriptsOfTransactionsAreRememberedWithThem(t *testing.T) {
	first := openDoor(t, nil)
	one, two := first.dial(), openDoorOver(t, first.node, nil).dial()
	script := "return redis.call('incr', KEYS[1])"
	sum := sha1Of(script)
	one.want("WATCH n", "+OK")
	two.want("SET n 1", "+OK")
	queue := func() {
		one.want("MULTI", "+OK")
		one.doArguments("EVAL", script, "1", "n")
		one.doArguments("EVALSHA", sum, "1", "n")
	}
	queue()
	one.want("EXEC", "nil")
	for _, guest := range []*guest{one, two} {
		if got := show(guest.doArguments("EVALSHA", sum, "1", "n")); got != "-NOSCRIPT No matching script. Please use EVAL." {
			t.Error(got)
		}
	}
	queue()
	one.want("EXEC", "[:2 :3]")
	for i, guest := range []*guest{one, two} {
		if got := show(guest.doArguments("EVALSHA", sum, "1", "n")); got != fmt.Sprintf(":%d", 4+i) {
			t.Error(got)
		}
	}
}

func TestScriptCacheIsBounded(t *testing.T) {
	cache := newScriptCache(3000)
	first := []byte("return 0")
	for i := range 50 {
		compiled, refusal, ok := cache.compile(fmt.Appendf(nil, "return %d", i))
		if !ok {
			t.Fatalf("%s", refusal.Text)
		}
		cache.keep(compiled)
		if cache.lookup(sha1.Sum(first)) == nil {
			t.Fatal("the script used most recently was forgotten")
		}
	}
	if cache.size > 3000 || cache.recent.Len() != len(cache.bySHA1) || cache.recent.Len() < 2 {
		t.Errorf("the cache holds %d scripts in %d bytes", cache.recent.Len(), cache.size)
	}
	if cache.lookup(sha1.Sum([]byte("return 1"))) != nil {
		t.Error("the script used longest ago is still there")
	}
}
