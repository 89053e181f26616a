package redissyntax_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
)

// argv cuts a text at its spaces.
func argv(text string) [][]byte { return bytes.Fields([]byte(text)) }

// TestWordingIsThatOfRedis compares every answer with what a Redis 7.0.15 gave to the same arguments. In the recording a name "n" holds 10, "s" holds abc and
// "a" some text, so an error there may also be about a value; those are listed here, because the syntax alone cannot know them.
func TestWordingIsThatOfRedis(t *testing.T) {
	aboutTheValue := []string{
		`["incrby", "n", "9223372036854775807"]`,
		`["incrbyfloat", "n", "inf"]`,
		`["incrbyfloat", "m", "infinity"]`,
	}
	recording, err := os.ReadFile("testdata/redis-7.0.15.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(recording)), "\n")
	if len(lines) < 150 {
		t.Fatalf("the recording has only %d lines", len(lines))
	}
	for _, line := range lines {
		request, want, _ := strings.Cut(line, "\t")
		var words []string
		if err := json.Unmarshal([]byte(request), &words); err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		arguments := make([][]byte, len(words))
		for i, word := range words {
			arguments[i] = []byte(word)
		}
		for _, exempt := range aboutTheValue {
			if request == exempt {
				want = "ok"
			}
		}
		got := "ok"
		op, reply, ok := redissyntax.Parse(0, arguments)
		if refused, depends := op.(command.GetRefused); depends && refused.Name.Key != "missing" {
			got = "-ERR " + refused.Text
		} else if !ok {
			got = "-" + string(reply.Text)
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", request, got, want)
		}
	}
}

func key(text string) command.Name { return command.Name{Database: 3, Key: text} }

func TestOps(t *testing.T) {
	relative := func(ms int64) command.Expiry { return command.Expiry{Mode: command.ExpiryRelative, Milliseconds: ms} }
	absolute := func(ms int64) command.Expiry { return command.Expiry{Mode: command.ExpiryAbsolute, Milliseconds: ms} }
	keep := command.Expiry{Mode: command.ExpiryKeep}
	v := []byte("v")
	keys := []command.Name{key("a"), key("b")}
	for text, want := range map[string]command.Op{
		"set k v":                   command.Set{Name: key("k"), Value: v},
		"SET k v Nx pX 30000":       command.Set{Name: key("k"), Value: v, Condition: command.IfAbsent, Expiry: relative(30000)},
		"set k v ex 3 xx":           command.Set{Name: key("k"), Value: v, Condition: command.IfPresent, Expiry: relative(3000)},
		"set k v exat 3 get":        command.Set{Name: key("k"), Value: v, Expiry: absolute(3000), Reply: command.SetReplyOld},
		"set k v pxat 3":            command.Set{Name: key("k"), Value: v, Expiry: absolute(3)},
		"set k v keepttl":           command.Set{Name: key("k"), Value: v, Expiry: keep},
		"set k v ifeq o px 5":       command.Set{Name: key("k"), Value: v, Condition: command.IfEqual, Operand: []byte("o"), Expiry: relative(5)},
		"set k v ifne o get":        command.Set{Name: key("k"), Value: v, Condition: command.IfNotEqual, Operand: []byte("o"), Reply: command.SetReplyOld},
		"set k v ifeq nx":           command.Set{Name: key("k"), Value: v, Condition: command.IfEqual, Operand: []byte("nx")},
		"setnx k v":                 command.Set{Name: key("k"), Value: v, Condition: command.IfAbsent, Reply: command.SetReplyInteger},
		"setex k 5 v":               command.Set{Name: key("k"), Value: v, Expiry: relative(5000)},
		"psetex k 5 v":              command.Set{Name: key("k"), Value: v, Expiry: relative(5)},
		"getset k v":                command.Set{Name: key("k"), Value: v, Reply: command.SetReplyOld},
		"get k":                     command.Get{Name: key("k")},
		"getdel k":                  command.GetDelete{Name: key("k")},
		"getex k":                   command.GetExpire{Name: key("k"), Expiry: keep},
		"getex k persist":           command.GetExpire{Name: key("k")},
		"getex k px 0":              command.GetRefused{Name: key("k"), Text: "invalid expire time in 'getex' command"},
		"getex k px 7":              command.GetExpire{Name: key("k"), Expiry: relative(7)},
		"getrange k -2 9":           command.GetRange{Name: key("k"), Start: -2, End: 9},
		"substr k 0 1":              command.GetRange{Name: key("k"), End: 1},
		"strlen k":                  command.Length{Name: key("k")},
		"mget a b":                  command.MultiGet{Names: keys},
		"mset a v b v":              command.MultiSet{Pairs: []command.Pair{{Name: keys[0], Value: v}, {Name: keys[1], Value: v}}},
		"msetnx a v":                command.MultiSet{Pairs: []command.Pair{{Name: keys[0], Value: v}}, IfAbsent: true},
		"incr k":                    command.Increment{Name: key("k"), Delta: 1},
		"decr k":                    command.Increment{Name: key("k"), Delta: -1},
		"incrby k -7":               command.Increment{Name: key("k"), Delta: -7},
		"decrby k -7":               command.Increment{Name: key("k"), Delta: 7},
		"incrbyfloat k 1.50":        command.IncrementBy{Name: key("k"), Delta: "1.50"},
		"del a b":                   command.Delete{Names: keys},
		"unlink a b":                command.Delete{Names: keys},
		"delex k":                   command.DeleteIf{Name: key("k")},
		"delex k IFEQ v":            command.DeleteIf{Name: key("k"), Condition: command.IfEqual, Operand: v},
		"delex k ifne v":            command.DeleteIf{Name: key("k"), Condition: command.IfNotEqual, Operand: v},
		"delifeq k v":               command.DeleteIf{Name: key("k"), Condition: command.IfEqual, Operand: v},
		"exists a b":                command.Exists{Names: keys},
		"touch a b":                 command.Exists{Names: keys},
		"type k":                    command.Type{Name: key("k")},
		"expire k 3":                command.ExpireKey{Name: key("k"), Expiry: relative(3000)},
		"pexpire k -3 lt xx xx":     command.ExpireKey{Name: key("k"), Expiry: relative(-3), Conditions: []command.Condition{command.IfExpiry, command.IfLess}},
		"expireat k 3 nx":           command.ExpireKey{Name: key("k"), Expiry: absolute(3000), Conditions: []command.Condition{command.IfNoExpiry}},
		"pexpireat k 3 gt":          command.ExpireKey{Name: key("k"), Expiry: absolute(3), Conditions: []command.Condition{command.IfGreater}},
		"ttl k":                     command.TimeToLive{Name: key("k"), Form: command.RemainingSeconds},
		"pttl k":                    command.TimeToLive{Name: key("k"), Form: command.RemainingMilliseconds},
		"expiretime k":              command.TimeToLive{Name: key("k"), Form: command.DeadlineSeconds},
		"pexpiretime k":             command.TimeToLive{Name: key("k"), Form: command.DeadlineMilliseconds},
		"persist k":                 command.Persist{Name: key("k")},
		"scan 0":                    command.Scan{Database: 3, Count: 10},
		"scan 7 match a* type List": command.Scan{Database: 3, Cursor: 7, Count: 10, Match: "a*", OfType: "list"},
		"scan 0 count 999999999":    command.Scan{Database: 3, Count: command.MaxScanCount},
		"keys *":                    command.Keys{Database: 3, Match: "*"},
		"dbsize":                    command.DatabaseSize{Database: 3},
		"time":                      command.Time{},
		"fence k":                   command.Fence{Name: key("k")},
		"fence k v":                 command.Fence{Name: key("k"), HasValue: true, Value: v},
	} {
		got, reply, ok := redissyntax.Parse(3, argv(text))
		if !ok {
			t.Errorf("%s: refused with %s", text, reply.Text)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %#v\nwant %#v", text, got, want)
		}
		if _, refused := got.(command.GetRefused); refused {
			continue // a write that turned out to be none
		}
		if row := redissyntax.Lookup(argv(text)[0]); ok && got.ReadOnly() && row.Flags&redissyntax.Write != 0 {
			t.Errorf("%s: the table calls it a write, the op does not", text)
		} else if ok && !got.ReadOnly() && row.Flags&redissyntax.Write == 0 {
			t.Errorf("%s: the op is a write, the table does not say so", text)
		}
	}
}

// TestRefusals holds what Redis 7.0 does not know, so that it cannot be compared.
func TestRefusals(t *testing.T) {
	long, longer := strings.Repeat("k", command.MaxNameBytes+1), strings.Repeat("v", command.MaxValueBytes+1)
	for text, want := range map[string]string{
		"set k v ifeq":              "ERR syntax error",
		"set k v ifeq a nx":         "ERR syntax error",
		"set k v nx ifeq a":         "ERR syntax error",
		"set k v ifeq a ifeq b":     "ERR syntax error",
		"set k v ifeq a ifne b":     "ERR syntax error",
		"set k v ifdeq a":           "ERR syntax error",
		"delex k ifdeq a":           "ERR syntax error",
		"delex k ifeq":              "ERR wrong number of arguments for 'delex' command",
		"delex k ifeq a b":          "ERR wrong number of arguments for 'delex' command",
		"delifeq k":                 "ERR wrong number of arguments for 'delifeq' command",
		"fence":                     "ERR wrong number of arguments for 'fence' command",
		"fence k v w":               "ERR wrong number of arguments for 'fence' command",
		"get " + long:               "LIMIT a key of 513 bytes is too long; the limit is 512",
		"del a " + long:             "LIMIT a key of 513 bytes is too long; the limit is 512",
		"set k " + longer:           "LIMIT a value of 65537 bytes is too long; the limit is 65536",
		"set k v ifeq " + longer:    "LIMIT a value of 65537 bytes is too long; the limit is 65536",
		"mset k " + longer:          "LIMIT a value of 65537 bytes is too long; the limit is 65536",
		"keys " + long:              "LIMIT a pattern of 513 bytes is too long; the limit is 512",
		"scan 0 match " + long:      "LIMIT a pattern of 513 bytes is too long; the limit is 512",
		"mget" + many(1025, " a"):   "LIMIT 1025 keys in one command are too many; the limit is 1024",
		"mset" + many(1025, " a b"): "LIMIT 1025 keys in one command are too many; the limit is 1024",
	} {
		if _, reply, ok := redissyntax.Parse(0, argv(text)); ok || string(reply.Text) != want {
			t.Errorf("%.40s: got %v %q, want %q", text, ok, reply.Text, want)
		}
	}
	for _, text := range []string{
		"get " + long[1:], "set k " + longer[1:], "mget" + many(1024, " a"), "mset" + many(1024, " a b"), "keys " + long[1:],
		"get coordd:fence:" + long[1:], "get coordd:fence-if:1:k:" + longer[1:],
	} {
		if _, reply, ok := redissyntax.Parse(0, argv(text)); !ok {
			t.Errorf("%.40s at the limit: %s", text, reply.Text)
		}
	}
}

func many(count int, text string) string { return strings.Repeat(text, count) }

func TestInScripts(t *testing.T) {
	for text, want := range map[string]string{
		"get":          "-ERR Wrong number of args calling Redis command from script",
		"nosuch":       "-ERR Unknown Redis command called from script",
		"multi":        "-ERR This Redis command is not allowed from script",
		"EVAL x 0":     "-ERR This Redis command is not allowed from script",
		"set k v px x": "-ERR value is not an integer or out of range",
		"ping":         "+PONG",
		"PING hello":   "$hello",
		"ping a b":     "-ERR Wrong number of args calling Redis command from script",
		"echo hello":   "$hello",
		"echo":         "-ERR Wrong number of args calling Redis command from script",
	} {
		op, reply, ok := redissyntax.ParseInScript(0, argv(text), false)
		if ok {
			t.Errorf("%s: made %#v", text, op)
			continue
		}
		mark := map[command.ReplyType]string{command.ReplyError: "-", command.ReplyStatus: "+", command.ReplyBulk: "$"}[reply.Type]
		if got := mark + string(reply.Text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if _, reply, ok := redissyntax.ParseInScript(0, argv("set k v"), true); ok || string(reply.Text) != "ERR Write commands are not allowed from read-only scripts." {
		t.Errorf("a write in a read-only script: %v %s", ok, reply.Text)
	}
	for _, text := range []string{"get k", "time", "fence k"} {
		if _, reply, ok := redissyntax.ParseInScript(0, argv(text), true); !ok {
			t.Errorf("%s in a read-only script: %s", text, reply.Text)
		}
	}
	if !redissyntax.KnownInScript([]byte("PTTL")) || !redissyntax.KnownInScript([]byte("Ping")) || redissyntax.KnownInScript([]byte("hset")) {
		t.Error("KnownInScript is wrong about PTTL, Ping or hset")
	}
}

func TestTable(t *testing.T) {
	previous := ""
	for _, row := range redissyntax.Commands() {
		if row.Name <= previous {
			t.Errorf("%q comes after %q", row.Name, previous)
		}
		previous = row.Name
		if row.Summary == "" || row.Name != strings.ToLower(row.Name) {
			t.Errorf("%s: bad row", row.Name)
		}
		if found := redissyntax.Lookup([]byte(strings.ToUpper(row.Name))); found != row {
			t.Errorf("%s is not found by its name in capitals", row.Name)
		}
		if (row.FirstKey == 0) != (row.Step == 0) {
			t.Errorf("%s: first key %d with step %d", row.Name, row.FirstKey, row.Step)
		}
	}
	for text, want := range map[string]string{
		"get k": "k", "mget a b c": "a b c", "mset a 1 b 2": "a b", "set k v": "k", "dbsize": "", "get": "", "fence k v": "k", "mset a": "a",
	} {
		arguments := argv(text)
		got := string(bytes.Join(redissyntax.Lookup(arguments[0]).Keys(arguments), []byte(" ")))
		if got != want {
			t.Errorf("keys of %q: %q, want %q", text, got, want)
		}
	}
	set := redissyntax.Lookup([]byte("set"))
	if got := fmt.Sprint(set.Flags.Names(), set.Flags.Categories()); got != "[write denyoom] [@write @string @slow]" {
		t.Errorf("flags of set: %s", got)
	}
	if got := fmt.Sprint(redissyntax.Lookup([]byte("expire")).Flags.Categories()); got != "[@keyspace @write @fast]" {
		t.Errorf("categories of expire: %s", got)
	}
	if redissyntax.Lookup(bytes.Repeat([]byte("x"), 1000)) != nil {
		t.Error("a long name was found")
	}
}

// FuzzParse checks that no arguments whatever make Parse panic, answer an error that is not one line, or name a key beyond the limit.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"set k v nx px 5", "mset a b c d", "scan 0 match * count 3", "expire k 5 gt", "incrbyfloat k 0x1p4", "delex k ifeq v"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		arguments := bytes.Split([]byte(text), []byte(" "))
		op, reply, ok := redissyntax.Parse(1, arguments)
		if ok == (op == nil) {
			t.Fatalf("%q: ok is %v and the op is %#v", text, ok, op)
		}
		if !ok && (!reply.IsError() || bytes.ContainsAny(reply.Text, "\r\n")) {
			t.Fatalf("%q: answered %#v", text, reply)
		}
	})
}
