package resp

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Safety case S8: a token is read in one step with the grant or by the value, the virtual names are read by every client, and no write can make one.
func TestS08_TokensCannotBeTakenFromASuccessor(t *testing.T) {
	d := openDoor(t, nil)
	stale, successor := d.dial(), d.dial()
	stale.want("SET job a NX PX 1000", "+OK")
	d.node.Advance(1001 * time.Millisecond)
	successor.want("SET job b NX PX 1000", "+OK")
	token := successor.do("FENCE job b").Integer
	stale.want("FENCE job a", "nil")
	stale.want("GET coordd:fence-if:3:job:a", "nil")
	stale.want("GET coordd:fence-if:3:job:b", fmt.Sprintf("%q", fmt.Sprint(token)))
	stale.want("GET coordd:fence:job", fmt.Sprintf("%q", fmt.Sprint(token)))
	stale.want("MGET job coordd:fence:job", fmt.Sprintf(`["b" %q]`, fmt.Sprint(token)))

	successor.want("MULTI", "+OK")
	successor.want("SET mine v NX PX 1000", "+QUEUED")
	successor.want("FENCE mine v", "+QUEUED")
	if reply := successor.do("EXEC"); show(reply.Elements[0]) != "+OK" || reply.Elements[1].Integer <= token {
		t.Errorf("the token in one step with the grant: %s", show(reply))
	}

	successor.want("SET a:b 1 PX 1000", "+OK")
	stale.want("GET coordd:fence:a", "nil")
	if stale.do("GET coordd:fence:a:b").Text == nil {
		t.Error("all that follows the prefix must be the name")
	}
	for _, write := range []string{
		"SET coordd:fence:job 5", "SET coordd:fence:job 5 NX", "SETNX coordd:fence:job 5", "SETEX coordd:fence:job 5 x", "PSETEX coordd:fence:job 5 x",
		"GETSET coordd:fence:job 5", "MSET a 1 coordd:x 5", "MSETNX c 1 coordd:x 5", "INCR coordd:x", "INCRBYFLOAT coordd:x 1",
		"LOCK.ACQUIRE coordd:x PX 1000", "SELECT 3", "SET coordd:fence:job 5", "SELECT 0",
	} {
		reply := show(stale.do(write))
		if !strings.HasPrefix(write, "SELECT") && !strings.HasPrefix(reply, "-ERR ") {
			t.Errorf("%s: %s", write, reply)
		}
	}
	stale.want("EXISTS c coordd:x", ":0")
}

// nativeHold is what each Redis command answers on a natively held name (safety case S11). All of them are without effect.
var nativeHold = []struct{ command, reply string }{
	{"SET job v NX", "nil"},
	{"SET job v NX PX 1000", "nil"},
	{"SETNX job v", ":0"},
	{"MSETNX job v other v", ":0"},
	{"SET job v XX", "nil"},
	{"SET job v IFEQ OPAQUE", "nil"},
	{"DELEX job IFEQ OPAQUE", ":0"},
	{"DELIFEQ job OPAQUE", ":0"},
	{"SET job v", "-LOCKED "},
	{"SET job v GET", "-LOCKED "},
	{"SET job v KEEPTTL", "-LOCKED "},
	{"SET job v IFNE x", "-LOCKED "},
	{"SETEX job 10 v", "-LOCKED "},
	{"PSETEX job 1000 v", "-LOCKED "},
	{"GETSET job v", "-LOCKED "},
	{"GETDEL job", "-LOCKED "},
	{"GETEX job PX 1000", "-LOCKED "},
	{"GETEX job PERSIST", "-LOCKED "},
	{"MSET other v job v", "-LOCKED "},
	{"INCR job", "-LOCKED "},
	{"DECR job", "-LOCKED "},
	{"INCRBY job 2", "-LOCKED "},
	{"DECRBY job 2", "-LOCKED "},
	{"INCRBYFLOAT job 1.5", "-LOCKED "},
	{"DEL job", "-LOCKED "},
	{"DEL other job", "-LOCKED "},
	{"UNLINK job", "-LOCKED "},
	{"DELEX job", "-LOCKED "},
	{"DELEX job IFNE x", "-LOCKED "},
	{"EXPIRE job 10", "-LOCKED "},
	{"EXPIRE job 0", "-LOCKED "},
	{"PEXPIRE job 1000", "-LOCKED "},
	{"EXPIREAT job 1", "-LOCKED "},
	{"PEXPIREAT job 1", "-LOCKED "},
	{"PERSIST job", "-LOCKED "},
	{"RENAME job x", "-ERR RENAME is refused"},
	{"FLUSHALL", "-ERR FLUSHALL is refused"},
	{"GET job", "OPAQUE"},
	{"GETEX job", "OPAQUE"},
	{"EXISTS job", ":1"},
	{"TYPE job", "+string"},
	{"PTTL job", ":50000"},
}

func TestS11_RedisCommandsNeverChangeANativeHold(t *testing.T) {
	holds := map[string]func(d *door, holder *guest){
		"a lock of its own": func(_ *door, holder *guest) { holder.do("LOCK.ACQUIRE job PX 50000") },
		"a session's lock":  func(_ *door, holder *guest) { holder.do("LOCK.ACQUIRE job SESSION " + holder.session("PX 50000")) },
	}
	for name, hold := range holds {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, nil)
			holder, other := d.dial(), d.dial()
			holder.want("SET bystander 1", "+OK")
			hold(d, holder)
			token := holder.do("FENCE job").Integer
			opaque := string(other.do("GET job").Text)
			if opaque == "" {
				t.Fatal("GET of a natively held name answers nothing")
			}
			unharmed := func(after string) {
				t.Helper()
				other.want("FENCE job", fmt.Sprintf(":%d", token))
				other.want("PTTL job", ":50000")
				other.want("EXISTS other", ":0")
				if t.Failed() {
					t.Fatalf("after %s", after)
				}
			}
			for _, each := range nativeHold {
				arguments := words(each.command, opaque)
				reply := show(other.doArguments(arguments...))
				want := strings.ReplaceAll(each.reply, "OPAQUE", fmt.Sprintf("%q", opaque))
				if !strings.HasPrefix(reply, want) {
					t.Errorf("%s: %s, want %s", each.command, reply, want)
				}
				unharmed(each.command)

				other.want("MULTI", "+OK")
				other.doArguments(arguments...)
				if inside := show(other.do("EXEC")); !strings.HasPrefix(inside, "["+want) {
					t.Errorf("%s inside MULTI: %s, want %s", each.command, inside, want)
				}
				unharmed(each.command + " inside MULTI")
			}
			for _, script := range []string{
				compareAndDelete,
				"return redis.pcall('del', KEYS[1])",
				"return redis.pcall('set', KEYS[1], ARGV[1])",
				"if redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', 1000) then return 1 else return 0 end",
			} {
				if reply := show(other.doArguments("EVAL", script, "1", "job", opaque)); reply == ":1" || reply == "+OK" {
					t.Errorf("%s: %s", script, reply)
				}
				unharmed(script)
			}
		})
	}
}

// words splits a command and puts the opaque string where it belongs.
func words(line, opaque string) []string {
	list := strings.Fields(line)
	for i, word := range list {
		if word == "OPAQUE" {
			list[i] = opaque
		}
	}
	return list
}

// A Redis hold keeps a native acquire out in turn, and a native release does not touch it (safety case S11, the other way round).
func TestS11_NativeCommandsNeverChangeARedisHold(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("SET job me PX 50000", "+OK")
	token := client.do("FENCE job me").Integer
	client.wantPrefix("LOCK.ACQUIRE job PX 1000", "-HELD ")
	client.wantPrefix(fmt.Sprintf("LOCK.RENEW job %d PX 1000", token), "-NOTHELD ")
	client.wantPrefix(fmt.Sprintf("LOCK.RELEASE job %d", token), "-NOTHELD ")
	client.want("GET job", `"me"`)
	client.want("PTTL job", ":50000")
}

// A watch sees a native grant and its end, but no keepalive (safety case S11).
func TestS11_WatchSeesNativeGrants(t *testing.T) {
	d := openDoor(t, nil)
	client, holder := d.dial(), d.dial()
	transact := func(reply string) {
		t.Helper()
		client.want("MULTI", "+OK")
		client.want("PING", "+QUEUED")
		client.want("EXEC", reply)
	}
	owner := holder.session("PX 10000")
	client.want("WATCH job", "+OK")
	granted := holder.do("LOCK.ACQUIRE job SESSION " + owner)
	transact("nil")
	client.want("WATCH job", "+OK")
	holder.do("SESSION.RENEW " + owner)
	transact("[+PONG]")
	client.want("WATCH job", "+OK")
	holder.want(fmt.Sprintf("LOCK.RELEASE job %d SESSION %s", field(t, granted, "token"), owner), "+OK")
	transact("nil")
}

// What is a new owner, and so gets a new token, for each write command on a name that holds "v" (safety case S18).
func TestS18_WhatIsANewOwner(t *testing.T) {
	const (
		keeps  = "keeps the token"
		raises = "raises the token"
		frees  = "frees the name"
	)
	for _, each := range []struct{ value, command, outcome string }{
		{"v", "SET job v", keeps},
		{"v", "SET job v XX PX 5000", keeps},
		{"v", "SET job v IFEQ v", keeps},
		{"v", "SET job other", raises},
		{"v", "SET job other XX", raises},
		{"v", "SET job other IFEQ v", raises},
		{"v", "SET job other NX", keeps},
		{"v", "SETNX job other", keeps},
		{"v", "SETEX job 5 v", keeps},
		{"v", "SETEX job 5 other", raises},
		{"v", "PSETEX job 5000 other", raises},
		{"v", "GETSET job v", keeps},
		{"v", "GETSET job other", raises},
		{"v", "MSET job v", keeps},
		{"v", "MSET job other", raises},
		{"v", "MSETNX job other", keeps},
		{"1", "INCR job", keeps},
		{"1", "DECR job", keeps},
		{"1", "INCRBY job 5", keeps},
		{"1", "DECRBY job 5", keeps},
		{"1", "INCRBYFLOAT job 1.5", keeps},
		{"v", "EXPIRE job 100", keeps},
		{"v", "PEXPIRE job 100000", keeps},
		{"v", "PERSIST job", keeps},
		{"v", "GETEX job PX 1000", keeps},
		{"v", "GETDEL job", frees},
		{"v", "DEL job", frees},
		{"v", "UNLINK job", frees},
		{"v", "DELEX job IFEQ v", frees},
		{"v", "DELIFEQ job v", frees},
		{"v", "EXPIRE job 0", frees},
	} {
		client := openDoor(t, nil).dial()
		client.want("SET job "+each.value+" PX 50000", "+OK")
		before := client.do("FENCE job").Integer
		client.do(each.command)
		after := client.do("FENCE job")
		outcome := keeps
		switch {
		case show(after) == "nil":
			outcome = frees
		case after.Integer > before:
			outcome = raises
		case after.Integer < before:
			outcome = "lowers the token"
		}
		if outcome != each.outcome {
			t.Errorf("%s on %q %s; it should be that it %s", each.command, each.value, outcome, each.outcome)
		}
		if each.outcome == frees {
			client.want("SET job "+each.value+" NX", "+OK")
			if again := client.do("FENCE job").Integer; again <= before {
				t.Errorf("after %s the same value got token %d, not above %d", each.command, again, before)
			}
		}
	}
}

// Two INCRs do not make two owners: the second keeps the token of the first (safety case S18).
func TestS18_IncrementKeepsTheHoldersToken(t *testing.T) {
	client := openDoor(t, nil).dial()
	client.want("INCR cron", ":1")
	token := client.do("FENCE cron").Integer
	client.want("INCR cron", ":2")
	client.want("FENCE cron", fmt.Sprintf(":%d", token))
	client.want("DEL cron", ":1")
	client.want("INCR cron", ":1")
	if again := client.do("FENCE cron").Integer; again <= token {
		t.Errorf("token %d after %d", again, token)
	}
}

// Nothing may hold up a connection that carries keepalives, or the session of a healthy process would end (safety case S29).
func TestS29_NoWaitWhereKeepalivesTravel(t *testing.T) {
	d := openDoor(t, nil)
	holder, client := d.dial(), d.dial()
	holder.do("LOCK.ACQUIRE job PX 50000")
	mine := client.session("PX 10000")
	client.do("SESSION.RENEW " + mine)
	client.wantPrefix("LOCK.ACQUIRE job SESSION "+mine+" WAIT 5000", "-ERR LOCK.ACQUIRE with WAIT is refused on a connection that has sent SESSION.RENEW")
	client.wantPrefix("LOCK.ACQUIRE job SESSION "+mine, "-HELD ")
	if waiters := d.node.Status().Waiters; waiters != 0 {
		t.Errorf("%d waiters", waiters)
	}
	client.want("RESET", "+RESET")
	client.send(request("LOCK.ACQUIRE job SESSION " + mine + " WAIT 5000"))
	eventually(t, "the connection may wait again", func() bool { return d.node.Status().Waiters == 1 })
}
