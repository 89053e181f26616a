package lua_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/script"
	"github.com/coordd/coordd/transport/resp/lua"
)

// operation is one thing that lock clients do with a script, in several spellings that mean the same.
type operation struct {
	name      string
	spellings []string
	calls     []call
}

// call is one run: what is there before ("name=value" or "name=value/ttl in ms"), KEYS and ARGV.
type call struct {
	before    string
	keys      string
	arguments string
}

const held, other, free = "k=tok/50000", "k=foreign/50000", ""

var operations = []operation{
	{"compare and delete", []string{
		`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end`,
		"-- drop it only when it is ours\nif redis.call('GET',KEYS[1])==ARGV[1] then\n\treturn redis.call('DEL',KEYS[1])\nelse\n\treturn 0\nend\n",
		`if (redis.call([[Get]], KEYS[1]) == ARGV[1]) then return (redis.call('Del', KEYS[1])); else do return 0 end end`,
	}, []call{{held, "k", "tok"}, {other, "k", "tok"}, {free, "k", "tok"}, {"k=tok", "k", "tok"}}},
	{"compare and delete, telling a missing lock", []string{
		`local v = redis.call("get", KEYS[1]) if v == ARGV[1] then return redis.call("del", KEYS[1]) elseif v == false then return -1 else return 0 end`,
		"local held_by = redis.call('GET', KEYS[1])\nif held_by == ARGV[1] then\n return redis.call('DEL', KEYS[1])\nelse\n if held_by == false then return -1\n else return 0 end\nend",
	}, []call{{held, "k", "tok"}, {other, "k", "tok"}, {free, "k", "tok"}}},
	{"compare and delete, true or false", []string{
		`if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('unlink', KEYS[1]) return true end return false`,
		"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]); return true; end;\nreturn false;",
	}, []call{{held, "k", "tok"}, {other, "k", "tok"}, {free, "k", "tok"}}},
	{"compare and delete, counting", []string{
		`local n = 0 for i, key in ipairs(KEYS) do if redis.call("get", key) == ARGV[1] then redis.pcall("del", key) n = n + 1 end end return n`,
		"local count = 0\nfor index, name in ipairs(KEYS) do -- each\n  if redis.call('get', name) == ARGV[1] then\n    redis.pcall('del', name)\n    count = count + 1\n  end\nend\nreturn count",
	}, []call{{"a=tok b=tok c=x", "a b c", "tok"}, {"", "a b", "tok"}}},
	{"compare and delete, several at once", []string{
		`local values = redis.call("mget", unpack(KEYS)) for i = 1, #KEYS do if values[i] ~= ARGV[1] then return false end end redis.call("del", unpack(KEYS)) return redis.status_reply("OK")`,
		`local v = redis.call('MGET', unpack(KEYS)); for n=1,#KEYS,1 do if v[n] ~= ARGV[1] then return false end end; redis.call('DEL', unpack(KEYS)); return redis.status_reply('OK')`,
	}, []call{{"a=tok b=tok", "a b", "tok"}, {"a=tok b=x", "a b", "tok"}, {"a=tok", "a b", "tok"}}},
	{"compare and delete, or an error", []string{
		`local v = redis.call("get", KEYS[1]) if not v then return redis.status_reply("GONE") end if v ~= ARGV[1] then return redis.error_reply("ERROR") end return redis.call("del", KEYS[1])`,
	}, []call{{held, "k", "tok"}, {other, "k", "tok"}, {free, "k", "tok"}}},
	{"compare and extend", []string{
		`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) else return 0 end`,
		"if redis.call('GET', KEYS[1]) == ARGV[1] then -- mine\n return redis.call('PEXPIRE', KEYS[1], ARGV[2])\nelse return 0 end",
	}, []call{{held, "k", "tok 90000"}, {other, "k", "tok 90000"}, {free, "k", "tok 90000"}, {held, "k", "tok 0"}, {held, "k", "tok soon"}, {held, "k", "tok"}}},
	{"compare and extend, in seconds or for ever", []string{
		`if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end if tonumber(ARGV[2]) > 0 then return redis.call('expire', KEYS[1], ARGV[2]) end return redis.call('persist', KEYS[1])`,
	}, []call{{held, "k", "tok 90"}, {held, "k", "tok 0"}, {other, "k", "tok 90"}}},
	{"compare and add to what is left", []string{
		`local token = redis.call('get', KEYS[1]) if not token or token ~= ARGV[1] then return 0 end local left = redis.call('pttl', KEYS[1]) if not left then left = 0 end local ttl = ARGV[2] if ARGV[3] == "0" then ttl = ARGV[2] + left end redis.call('pexpire', KEYS[1], ttl) return 1`,
		"local t = redis.call('GET', KEYS[1])\nif not t or t ~= ARGV[1] then\n  return 0\nend\nlocal l = redis.call('PTTL', KEYS[1])\nif not l then\n  l = 0\nend\nlocal n = ARGV[2]\nif ARGV[3] == '0' then\n  n = ARGV[2] + l\nend\nredis.call('PEXPIRE', KEYS[1], n)\nreturn 1",
	}, []call{{held, "k", "tok 10000 0"}, {held, "k", "tok 10000 1"}, {other, "k", "tok 10000 0"}, {free, "k", "tok 10000 0"}}},
	{"compare and extend if it expires", []string{
		`if redis.call("get", KEYS[1]) == ARGV[1] and redis.call("pttl", KEYS[1]) >= 0 then return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0`,
		`if redis.call("get",KEYS[1])==ARGV[1] and (redis.call("pttl",KEYS[1])>=0) then return redis.call("pexpire",KEYS[1],ARGV[2]) end return 0`,
	}, []call{{held, "k", "tok 70000"}, {"k=tok", "k", "tok 70000"}, {free, "k", "tok 70000"}}},
	{"refresh all by setting them anew", []string{
		`for i, key in ipairs(KEYS) do if redis.call("get", key) ~= ARGV[1] then return 0 end end for i, key in ipairs(KEYS) do redis.call("set", key, ARGV[1], "PX", ARGV[2]) end return #KEYS`,
		"for _, a in ipairs(KEYS) do\n if redis.call('get', a) ~= ARGV[1] then return 0 end\nend\nfor _, b in ipairs(KEYS) do redis.call('set', b, ARGV[1], 'PX', ARGV[2]) end\nreturn #KEYS",
	}, []call{{"a=tok/1000 b=tok/1000", "a b", "tok 60000"}, {"a=tok/30000 b=x/30000", "a b", "tok 60000"}}},
	{"acquire all or none", []string{
		`for i, key in ipairs(KEYS) do if redis.call("exists", key) == 1 then return 0 end end for i, key in ipairs(KEYS) do redis.call("set", key, ARGV[1], "PX", ARGV[2]) end return #KEYS`,
		"for j, name in ipairs(KEYS) do if redis.call('EXISTS', name) == 1 then return 0 end end\n\n for j, name in ipairs(KEYS) do\n redis.call('SET', name, ARGV[1], 'PX', ARGV[2]) end return #KEYS",
	}, []call{{"", "a b c", "tok 60000"}, {"b=x", "a b c", "tok 60000"}, {"", "", "tok 60000"}}},
	{"acquire all or none, saying which stood in the way", []string{
		`local ttl = tonumber(ARGV[2]) for i = 1, #KEYS do if redis.call("set", KEYS[i], ARGV[1], "NX", "PX", ttl) == false then for j = 1, i - 1 do redis.call("del", KEYS[j]) end return {0, i, KEYS[i]} end end return {1, #KEYS}`,
	}, []call{{"", "a b", "tok 60000"}, {"b=x", "a b", "tok 60000"}}},
	{"acquire all with one write", []string{
		`local pairs_to_set = {} for i, key in ipairs(KEYS) do pairs_to_set[#pairs_to_set + 1] = key pairs_to_set[#pairs_to_set + 1] = ARGV[1] end if redis.call("msetnx", unpack(pairs_to_set)) == 0 then return false end for i, key in ipairs(KEYS) do redis.call("pexpire", key, ARGV[2]) end return redis.status_reply("OK")`,
	}, []call{{"", "a b", "tok 60000"}, {"b=x", "a b", "tok 60000"}}},
	{"acquire, or it is mine already", []string{
		`if redis.call("set", KEYS[1], ARGV[1], "NX", "PX", ARGV[3]) then return redis.status_reply("OK") end local offset = tonumber(ARGV[2]) if redis.call("getrange", KEYS[1], 0, offset - 1) == string.sub(ARGV[1], 1, offset) then return redis.call("set", KEYS[1], ARGV[1], "PX", ARGV[3]) end`,
		"if redis.call('SET', KEYS[1], ARGV[1], \"NX\", \"PX\", ARGV[3]) then return redis.status_reply('OK') end\nlocal o = tonumber(ARGV[2])\nif redis.call('GETRANGE', KEYS[1], 0, o-1) == string.sub(ARGV[1], 1, o) then return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) end",
	}, []call{{free, "k", "token 3 60000"}, {"k=tok-meta/1000", "k", "token 3 60000"}, {other, "k", "token 3 60000"}}},
	{"acquire, or extend what is mine", []string{
		`local v = redis.call('get', KEYS[1]) if v == ARGV[1] then redis.call('pexpire', KEYS[1], ARGV[2]) return true elseif v == false then redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) return true end return false`,
	}, []call{{free, "k", "tok 60000"}, {held, "k", "tok 60000"}, {other, "k", "tok 60000"}}},
	{"acquire if new ones are allowed, or extend", []string{
		`if (redis.call("exists", KEYS[1]) == 0 and ARGV[3] == "yes") or redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("set", KEYS[1], ARGV[1], "PX", ARGV[2]) end`,
		`if redis.call("exists",KEYS[1])==0 and ARGV[3]=='yes' or redis.call("get",KEYS[1])==ARGV[1] then return redis.call("set",KEYS[1],ARGV[1],"PX",ARGV[2]) end`,
	}, []call{{free, "k", "tok 60000 yes"}, {free, "k", "tok 60000 no"}, {held, "k", "tok 60000 no"}, {other, "k", "tok 60000 yes"}}},
	{"extend, or take it back when it is gone", []string{
		`local v = redis.call("get", KEYS[1]) if not v then if redis.call("set", KEYS[1], ARGV[1], "PX", ARGV[2], "NX") then return 1 end return 0 end if v == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) end return -1`,
	}, []call{{free, "k", "tok 60000"}, {held, "k", "tok 60000"}, {other, "k", "tok 60000"}}},
	{"what is left, if it is mine", []string{
		`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pttl", KEYS[1]) else return -3 end`,
		"if redis.call('get', KEYS[1]) == ARGV[1]\nthen\n\treturn redis.call('pttl', KEYS[1])\nelse\n\treturn -3\nend",
	}, []call{{held, "k", "tok"}, {"k=tok", "k", "tok"}, {other, "k", "tok"}, {free, "k", "tok"}}},
	{"inspect", []string{
		`return {redis.call("get", KEYS[1]), redis.call("pttl", KEYS[1])}`,
		"return { redis.call('GET', KEYS[1]) ; redis.call('PTTL', KEYS[1]) ; }",
	}, []call{{held, "k", ""}, {free, "k", ""}}},
	{"take by a deadline and look", []string{
		`local ok = redis.call("set", KEYS[1], ARGV[1], "NX", "PXAT", ARGV[2]) if ok then return redis.call("get", KEYS[1]) end return ok`,
	}, []call{{free, "k", "tok 4102444800000"}, {other, "k", "tok 4102444800000"}}},
	{"the smallest of what is left", []string{
		`local least = -2 for i, key in ipairs(KEYS) do local left = redis.call("pttl", key) if least == -2 or (left >= 0 and left < least) then least = left end end return least`,
	}, []call{{"a=x/90000 b=x/30000", "a b", ""}, {"", "a", ""}}},
	{"a lock of readers and a writer on strings", []string{
		`local function writer() return redis.call("get", KEYS[1]) end
		 if ARGV[1] == "read" then
		   if writer() then return 0 end
		   local readers = redis.call("incr", KEYS[2])
		   if redis.call("pttl", KEYS[2]) < tonumber(ARGV[2]) then redis.call("pexpire", KEYS[2], ARGV[2]) end
		   return readers
		 elseif ARGV[1] == "write" then
		   if writer() or (tonumber(redis.call("get", KEYS[2]) or "0") or 0) > 0 then return 0 end
		   redis.call("set", KEYS[1], ARGV[3], "PX", ARGV[2])
		   return 1
		 end
		 return redis.error_reply("UNKNOWN mode " .. ARGV[1])`,
	}, []call{{"", "w r", "read 60000 me"}, {"r=2/5000", "w r", "read 60000 me"}, {"w=x", "w r", "read 60000 me"}, {"", "w r", "write 60000 me"}, {"r=1", "w r", "write 60000 me"}, {"", "w r", "upgrade 60000 me"}}},
	{"count down by a counter that is a string", []string{
		`local total = 0 local counter = redis.call("get", KEYS[1]) for i = counter, 1, -1 do local key = KEYS[2] .. ":" .. i if redis.call("exists", key) == 1 then total = math.max(total, redis.call("pttl", key)) end end return total`,
	}, []call{{"n=3 s:1=x/20000 s:3=x/70000", "n s", ""}, {"n=0", "n s", ""}, {"n=x", "n s", ""}}},
	{"wait your turn in slots", []string{
		`local taken = redis.call("mget", unpack(KEYS)) for slot, owner in pairs(taken) do if not owner then redis.call("set", KEYS[slot], ARGV[1], "EX", ARGV[2]) return KEYS[slot] end end`,
	}, []call{{"a=x", "a b c", "me 60"}, {"a=x b=x c=x", "a b c", "me 60"}}},
	{"cluster detection", []string{"redis.call('get',KEYS[1]) redis.call('get',KEYS[2])"}, []call{{"", "test1 test2", ""}}},
	{"script effects and time", []string{"redis.replicate_commands() return redis.call('set', KEYS[1], ARGV[1], 'PX', 1)"}, []call{{"", "k", "tok"}}},
}

const locksFile = "testdata/locks.txt"

// outcome is a reply with what is there afterwards.
func (c call) inMemory(source string) string {
	m := newMemory()
	for _, each := range strings.Fields(c.before) {
		name, value, ttl := cutBefore(each)
		deadline := int64(0)
		if ttl > 0 {
			deadline = m.now + ttl
		}
		m.entries[name] = entry{value, deadline}
	}
	reply := evaluate(m, source, strings.Fields(c.keys), strings.Fields(c.arguments))
	after := ""
	for _, name := range slices.Sorted(maps.Keys(m.entries)) {
		e := m.entries[name]
		left := int64(-1)
		if e.deadline != 0 {
			left = e.deadline - m.now
		}
		if left != 1 { // it has ended by the time anybody looks
			after += fmt.Sprintf(" %s=%s/%s", name, e.value, rounded(left))
		}
	}
	return masked(printed(reply)) + " |" + after
}

func (c call) inRedis(redis *redisConnection, source string) string {
	redis.do("flushall")
	for _, each := range strings.Fields(c.before) {
		name, value, ttl := cutBefore(each)
		redis.do("set", name, value)
		if ttl > 0 {
			redis.do("pexpire", name, fmt.Sprint(ttl))
		}
	}
	keys := strings.Fields(c.keys)
	request := append([]string{"eval", source, fmt.Sprint(len(keys))}, keys...)
	reply := redis.do(append(request, strings.Fields(c.arguments)...)...)
	after := ""
	var names []string
	for _, name := range redis.do("keys", "*").Elements {
		names = append(names, string(name.Text))
	}
	slices.Sort(names)
	for _, name := range names {
		left := redis.do("pttl", name).Integer
		if value := redis.do("get", name); !value.IsNil() && left != -2 && left != 0 && left != 1 {
			after += fmt.Sprintf(" %s=%s/%s", name, value.Text, rounded(left))
		}
	}
	return masked(printed(reply)) + " |" + after
}

func cutBefore(text string) (name, value string, ttl int64) {
	name, value, _ = strings.Cut(text, "=")
	value, left, found := strings.Cut(value, "/")
	if found {
		fmt.Sscan(left, &ttl)
	}
	return name, value, ttl
}

// rounded writes times of years as "far" and others to the nearest ten seconds, because a real Redis' clock goes on.
func rounded(left int64) string {
	switch {
	case left < 5000:
		return fmt.Sprint(left)
	case left > 1_000_000_000:
		return "far"
	}
	return fmt.Sprintf("~%d", (left+5000)/10000*10000)
}

// masked rounds numbers in a reply that can only be times.
func masked(reply string) string {
	words := strings.Split(reply, " ")
	for i, word := range words {
		body := strings.Trim(word, "[]")
		var number int64
		if n, err := fmt.Sscanf(body, ":%d", &number); n == 1 && err == nil && number >= 5000 {
			words[i] = strings.Replace(word, body, ":"+rounded(number), 1)
		}
	}
	return strings.Join(words, " ")
}

// eachCall visits every spelling of every operation with every call. The line names the operation and the call.
func eachCall(visit func(line, source string, c call)) {
	for _, o := range operations {
		for number, spelling := range o.spellings {
			for _, c := range o.calls {
				visit(fmt.Sprintf("%s #%d {%s} (%s) (%s)", o.name, number+1, c.before, c.keys, c.arguments), spelling, c)
			}
		}
	}
}

func recordedLocks(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.ReadFile(locksFile)
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(file)), "\n") {
		name, reply, _ := strings.Cut(line, " => ")
		recorded[name] = reply
	}
	return recorded
}

// TestLockScripts runs every operation and compares reply and state with what Redis 7.0.15 did.
func TestLockScripts(t *testing.T) {
	recorded := recordedLocks(t)
	eachCall(func(line, source string, c call) {
		want, found := recorded[line]
		if got := c.inMemory(source); !found || got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	})
}

func TestLockScriptsAgainstRedis(t *testing.T) {
	redis := realRedis(t)
	if *record {
		var out bytes.Buffer
		eachCall(func(line, source string, c call) { fmt.Fprintf(&out, "%s => %s\n", line, c.inRedis(redis, source)) })
		if err := os.WriteFile(locksFile, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded := recordedLocks(t)
	eachCall(func(line, source string, c call) {
		if got := c.inRedis(redis, source); got != recorded[line] {
			t.Errorf("%s\n Redis now gives %s\n recorded is %s", line, got, recorded[line])
		}
	})
}

// TestSpellings makes sure that all spellings of an operation mean the same bytes, and that different operations do not.
func TestSpellings(t *testing.T) {
	seen := map[string]string{}
	for _, o := range operations {
		var first *script.Program
		for i, spelling := range o.spellings {
			program, err := lua.Compile([]byte(spelling))
			if err != nil {
				t.Errorf("%s, spelling %d: %v", o.name, i+1, err)
				continue
			}
			if first == nil {
				first = program
			} else if !bytes.Equal(first.Meaning(), program.Meaning()) {
				t.Errorf("%s: spelling %d means something else\n%s", o.name, i+1, spelling)
			}
		}
		if twin, found := seen[string(first.Meaning())]; found {
			t.Errorf("%q and %q mean the same bytes", o.name, twin)
		}
		seen[string(first.Meaning())] = o.name
	}
}
