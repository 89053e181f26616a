package lua_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/script"
	"github.com/coordd/coordd/transport/resp/lua"
)

// TestRefusals: whatever is outside the language is refused with the construct and its line.
func TestRefusals(t *testing.T) {
	at := func(line, text string) string {
		return "Error compiling script (new function): user_script:" + line + ": " + text
	}
	for source, want := range map[string]string{
		"\n\nreturn cjson.decode('{}')":                                at("3", "coordd does not run 'cjson.decode' in scripts"),
		"local t = setmetatable({}, {})":                               at("1", "coordd does not run 'setmetatable' in scripts"),
		"return string.gsub('a', 'b', 'c')":                            at("1", "coordd does not run 'string.gsub' in scripts"),
		"return ('a'):find('a')":                                       at("1", "coordd does not run the method 'find' in scripts"),
		"return string.format('%q', 'x')":                              at("1", "coordd does not run '%q' in string.format in scripts"),
		"local r = redis":                                              at("1", "coordd does not run 'redis' as a value in scripts"),
		"return redis['call']('get', redis[KEYS[1]])":                  at("1", "coordd does not run 'redis[…]' with a computed name in scripts"),
		"function f() end":                                             at("1", "coordd does not run functions that are not local in scripts"),
		"local x = 1\nlocal t = {function() end}":                      at("2", "coordd does not run functions as values in scripts"),
		"local function f() return f() end":                            at("1", "coordd does not run recursion: 'f' calls itself in scripts"),
		"local function f() end local g = f":                           at("1", "coordd does not run the function 'f' as a value in scripts"),
		"local function f() end f = nil":                               at("1", "coordd does not run an assignment to the function 'f' in scripts"),
		"local function f(...) end":                                    at("1", "coordd does not run functions with '...' in scripts"),
		"return {...}":                                                 at("1", "coordd does not run '...' in scripts"),
		"for k, v in next, {} do end":                                  at("1", "coordd does not run a 'for … in' over anything but ipairs(…) or pairs(…) in scripts"),
		"local pairs = ARGV for k in pairs({}) do end":                 at("1", "coordd does not run a 'for … in' over anything but ipairs(…) or pairs(…) in scripts"),
		"for a, b, c in pairs({}) do end":                              at("1", "coordd does not run a 'for … in' with more than two variables in scripts"),
		"return 2 ^ 3":                                                 at("1", "coordd does not run the operator '^' in scripts"),
		"redis.call('set', 'a', 'b')\nredis.call('ZADD', 'a', 1, 'b')": at("2", "coordd does not have the Redis command 'ZADD' in scripts"),
		"break":           at("1", "no loop to break near '<eof>'"),
		"goto done":       at("1", "'=' expected near 'done'"),
		"return (":        at("1", "unexpected symbol near '<eof>'"),
		"if x then":       at("1", "unexpected symbol near '<eof>'"),
		"\nlocal x = = 1": at("2", "unexpected symbol near '='"),
		"return " + strings.Repeat("(", 100) + "1":                     at("1", "unexpected symbol near '<eof>'"),
		"return " + strings.Repeat("not ", 100) + "1":                  at("1", "the script is nested too deep; the limit is 32 levels"),
		"return " + strings.Repeat("- ", 30000) + "x":                  at("1", "the script is nested too deep; the limit is 32 levels"),
		"return " + strings.Repeat("1+", 100) + "1":                    at("1", "the script is nested too deep; the limit is 32 levels"),
		strings.Repeat("while x do ", 40) + strings.Repeat("end ", 40): "the script is nested more than 32 levels deep",
		strings.Repeat("local x ", 251):                                at("1", "the script has more than 250 local variables"),
		strings.Repeat(" ", command.MaxScriptBytes+1):                  "a script of 65537 bytes is too long; the limit is 65536",
		"#!lua flags=bogus\n":                                          "Unexpected flag in script shebang: bogus",
	} {
		_, err := lua.Compile([]byte(source))
		var refused *lua.Error
		if !errors.As(err, &refused) || err.Error() != want {
			t.Errorf("%.60q\n got %v\nwant %v", source, err, want)
		}
	}
}

// TestLimits holds what lies just inside the limits.
func TestLimits(t *testing.T) {
	for name, source := range map[string]string{
		"the longest source":   strings.Repeat(" ", command.MaxScriptBytes),
		"all local variables":  strings.Repeat("local x ", script.MaxSlots),
		"a long concatenation": "return ''" + strings.Repeat("..'1'", 1000),
		"a long disjunction":   "return false" + strings.Repeat(" or nil", 25),
		"a long elseif":        "if x then" + strings.Repeat(" elseif x then", 25) + " end",
		"all functions":        strings.Repeat("local function f() end ", script.MaxFunctions),
	} {
		if _, err := lua.Compile([]byte(source)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFlags(t *testing.T) {
	for source, want := range map[string]bool{
		"#!lua flags=no-writes\nreturn 1": true, "#!lua flags=allow-stale,no-writes\n": true, "#!lua\nreturn 1": false, "#!lua flags=\n": false, "return 1": false,
	} {
		if _, flags, err := lua.CompileFlags([]byte(source)); err != nil || flags.NoWrites != want {
			t.Errorf("%q: %v, %v", source, flags, err)
		}
	}
}

// TestAnalyse says for scripts which names they may touch and whether they write.
func TestAnalyse(t *testing.T) {
	keys, arguments := toBytes([]string{"k1", "k2", "k3"}), toBytes([]string{"a1", "a2"})
	for source, want := range map[string]struct {
		names    string // "?" when they are not known
		readOnly bool
	}{
		"return redis.call('get', KEYS[2])":                                             {"k2", true},
		"return {redis.call('GET', KEYS[1]), redis.call('pttl', KEYS[1])}":              {"k1 k1", true},
		"redis.call('set', KEYS[1], ARGV[1])":                                           {"k1", false},
		"for i, k in ipairs(KEYS) do redis.call('del', k) end":                          {"k1 k2 k3", false},
		"for i = 1, #KEYS do redis.call('del', KEYS[i]) end":                            {"k1 k2 k3", false},
		"return redis.call('mget', unpack(KEYS))":                                       {"k1 k2 k3", true},
		"local k = KEYS[1] return redis.call('get', k)":                                 {"k1", true},
		"local k = KEYS[1] k = 'x' return redis.call('get', k)":                         {"?", true},
		"return redis.call('get', ARGV[2])":                                             {"a2", true},
		"return redis.call('get', 'fixed')":                                             {"fixed", true},
		"return redis.call('get', KEYS[1] .. ':x')":                                     {"?", true},
		"return redis.call(ARGV[1], KEYS[1])":                                           {"?", false},
		"local call = redis.call return call('get', KEYS[1])":                           {"k1", true},
		"local call = redis.call call = redis.pcall return call('get', KEYS[1])":        {"?", false},
		"local t = {KEYS[1]} return redis.call('get', t[1])":                            {"?", true},
		"KEYS[1] = 'other' return redis.call('get', KEYS[1])":                           {"?", true},
		"local t = KEYS t[1] = 'other' return redis.call('get', KEYS[1])":               {"?", true},
		"local t = {} t = KEYS t[1] = 'other' return redis.call('get', KEYS[1])":        {"?", true},
		"table.insert(KEYS, 1, 'other') return redis.call('get', KEYS[1])":              {"?", true},
		"local t = {} t[1] = 'other' return redis.call('get', KEYS[1])":                 {"k1", true},
		"local function f(k) return redis.call('get', k) end return f(KEYS[1])":         {"?", true},
		"return redis.call('dbsize')":                                                   {"", true},
		"return redis.call('mset', KEYS[1], ARGV[1], KEYS[2], ARGV[2])":                 {"k1 k2", false},
		"return redis.call('set', KEYS[3], unpack(ARGV))":                               {"k3", false},
		"return redis.call('set', unpack(ARGV))":                                        {"?", false},
		"return redis.call('get', KEYS[9])":                                             {"", true},
		"return redis.call('get', KEYS[-1])":                                            {"k1 k2 k3", true},
		"return ARGV[1]":                                                                {"", true},
		"local s = redis.pcall('nosuch', KEYS[1]) return redis.call('exists', KEYS[1])": {"k1", true},
	} {
		program, err := lua.Compile([]byte(source))
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		hints := lua.Analyse(program)
		got := "?"
		if names, ok := hints.Names(keys, arguments); ok {
			got = string(bytes.Join(names, []byte(" ")))
		}
		if got != want.names || hints.ReadOnly != want.readOnly {
			t.Errorf("%s: names %q, read-only %v", source, got, hints.ReadOnly)
		}
	}
}

// TestAgain: when a command must be proposed anew, the script stops at once, and nothing else of it runs.
func TestAgain(t *testing.T) {
	m := &again{after: 2}
	program, err := lua.Compile([]byte("redis.call('set','a','1') redis.pcall('set','b','2') redis.call('set','c','3') return 1"))
	if err != nil {
		t.Fatal(err)
	}
	reply := script.Run(program, nil, nil, m, script.DefaultBudget)
	if !reflect.DeepEqual(reply, command.Again()) || m.calls != 2 {
		t.Errorf("%+v after %d calls", reply, m.calls)
	}
}

type again struct{ calls, after int }

func (a *again) Call([][]byte) command.Reply {
	if a.calls++; a.calls == a.after {
		return command.Again()
	}
	return command.OK()
}

// TestBudgets: going beyond a budget ends a script with an error, however it tries to go on.
func TestBudgets(t *testing.T) {
	for source, resource := range map[string]string{
		"while true do end":                                                     "20000 steps",
		"repeat until false":                                                    "20000 steps",
		"for i = 1, 1e9 do end":                                                 "20000 steps",
		"for i = 1, 2, 1e-300 do end":                                           "20000 steps",
		"local t = {} table.insert(t, -2000000000, 1)":                          "20000 steps",
		"return table.concat({}, '', 1, 1e15)":                                  "invalid value (nil)",
		"for i = 1, 300 do redis.pcall('get', 'k') end":                         "256 Redis commands",
		"local s = 'x' for i = 1, 40 do s = s .. s end":                         "262144 bytes of memory",
		"return string.rep('x', 1e9)":                                           "262144 bytes of memory",
		"return ('x'):rep(2e9):rep(2e9)":                                        "262144 bytes of memory",
		"local t = {} for i = 1, 3000 do t[i] = {} end":                         "262144 bytes of memory",
		"return {unpack({}, 1, 7999)}":                                          "262144 bytes of memory",
		"return {unpack({}, 1, 1e9)}":                                           "too many results to unpack",
		"local s = string.rep('x', 60000) return {s, s, s, s, s, s}":            "262144 bytes of reply",
		"local t = {} t[1] = t return t":                                        "reached lua stack limit",
		"return string.format('%9999d', 1)":                                     "invalid format (width or precision too long)",
		"local s = string.rep('x', 60000) for i=1,9999 do redis.sha1hex(s) end": "20000 steps",
	} {
		reply := printed(evaluate(newMemory(), source, nil, nil))
		if !strings.Contains(reply, resource) || !strings.Contains(reply, "-ERR") {
			t.Errorf("%s: %.200s", source, reply)
		}
	}
}

// TestErrorCodes: a script's error keeps the code of the command that failed, but cannot speak for the node.
func TestErrorCodes(t *testing.T) {
	program, err := lua.Compile([]byte("return redis.call('get', KEYS[1])"))
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range command.Codes()[1:] {
		reply := script.Run(program, toBytes([]string{"k"}), nil, answer(command.Errorf(code, "text")), script.DefaultBudget)
		kept := code == command.CodeLocked || code == command.CodeLimit
		if kept && reply.Code != code || !kept && reply.Code != command.CodeGeneric {
			t.Errorf("an error of code %d came out as %d", code, reply.Code)
		}
		if !strings.HasPrefix(string(reply.Text), code.Prefix()+" text script: ") {
			t.Errorf("an error of code %d came out as %s", code, reply.Text)
		}
	}
	foreign := command.Reply{Type: command.ReplyError, Code: command.CodeGeneric, Text: []byte("WRONGTYPE text")}
	if reply := script.Run(program, toBytes([]string{"k"}), nil, answer(foreign), script.DefaultBudget); reply.Code != command.CodeGeneric {
		t.Errorf("an error whose word coordd does not have came out as %d", reply.Code)
	}
}

type answer command.Reply

func (a answer) Call([][]byte) command.Reply { return command.Reply(a) }

// TestWordingAgainstRedis makes sure that the recording of package redissyntax is still what a Redis answers.
func TestWordingAgainstRedis(t *testing.T) {
	redis := realRedis(t)
	recording, err := os.ReadFile("../../../fsm/redissyntax/testdata/redis-7.0.15.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(recording)), "\n") {
		request, want, _ := strings.Cut(line, "\t")
		var words []string
		if err := json.Unmarshal([]byte(request), &words); err != nil {
			t.Fatal(err)
		}
		redis.do("flushall")
		redis.do("mset", "s", "abc", "n", "10", "a", "old")
		got := "ok"
		if reply := redis.do(words...); reply.IsError() {
			got = "-" + string(reply.Text)
		}
		if got != want {
			t.Errorf("%s: Redis now answers %s, recorded is %s", request, got, want)
		}
	}
}

// FuzzCompile checks that no text whatever makes the compiler panic, and that what it makes can be decoded and run.
func FuzzCompile(f *testing.F) {
	for _, o := range operations {
		f.Add(o.spellings[0])
	}
	f.Fuzz(func(t *testing.T, source string) {
		program, err := lua.Compile([]byte(source))
		if err != nil {
			var refused *lua.Error
			if !errors.As(err, &refused) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("%q: %#v", source, err)
			}
			return
		}
		reply := evaluate(newMemory(), source, []string{"k"}, []string{"1"})
		if reply.Type == command.ReplyAgain || reply.Code == command.CodeMalformed {
			t.Fatalf("%q: %+v", source, reply)
		}
		lua.Analyse(program)
	})
}
