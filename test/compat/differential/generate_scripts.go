package differential

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// script makes EVAL, EVALSHA, EVAL_RO or SCRIPT with a script of the shapes
// that lock clients send. A comment makes each script one of its run, so that
// what other sequences loaded changes nothing.
func (g *generator) script() Command {
	switch dice := g.IntN(100); {
	case dice < 72:
		script := g.newScript()
		return Command{Args: append([]string{g.pick("EVAL", "EVAL", "EVAL", "EVAL", "EVAL_RO", "eval"), script.text}, g.scriptArguments(script.shape)...), Mask: script.shape.mask}
	case dice < 88:
		script := g.knownScript()
		return Command{Args: append([]string{g.pick("EVALSHA", "EVALSHA", "EVALSHA_RO"), shaMark + script.text}, g.scriptArguments(script.shape)...), Mask: script.shape.mask}
	case dice < 91:
		return Command{Args: []string{"SCRIPT", "LOAD", g.keptScript().text}}
	case dice < 94:
		return Command{Args: []string{"SCRIPT", "EXISTS", shaMark + g.knownScript().text, strings.Repeat("f", 40)}}
	case dice < 96:
		return Command{Args: []string{"SCRIPT", g.pick("NOSUCH", "LOAD", "EXISTS")}}
	case dice < 98:
		return Command{Args: []string{"EVALSHA", g.pick("abc", strings.Repeat("f", 40), strings.Repeat("F", 40)), "0"}}
	default:
		return Command{Args: []string{"EVAL", "return 1 -- " + keyPrefix, g.pick("-1", "abc", "2", "99", ""), "one"}}
	}
}

// knownScript is a script that was sent, and so is most likely cached.
type knownScript struct {
	shape scriptShape
	text  string
}

func (g *generator) newScript() knownScript {
	shape := scriptShapes[g.IntN(len(scriptShapes))]
	script := knownScript{shape, g.respell(shape.text) + "\n-- " + keyPrefix}
	if !shape.once {
		g.known = append(g.known, script)
	}
	return script
}

// keptScript is a new one that every server keeps.
func (g *generator) keptScript() knownScript {
	for {
		if script := g.newScript(); !script.shape.once {
			return script
		}
	}
}

// knownScript is one that was sent before, or now and then one that was not.
func (g *generator) knownScript() knownScript {
	if len(g.known) == 0 || g.chance(15) {
		return g.keptScript()
	}
	return g.known[g.IntN(len(g.known))]
}

// scriptArguments are the number of keys, the keys and the arguments.
func (g *generator) scriptArguments(shape scriptShape) []string {
	args := []string{strconv.Itoa(shape.keys)}
	for range shape.keys {
		args = append(args, g.key())
	}
	for _, kind := range shape.args {
		args = append(args, g.scriptArgument(kind))
	}
	return args
}

func (g *generator) scriptArgument(kind string) string {
	switch kind {
	case "value":
		return g.pick("tok1", "tok1", "tok2", g.value())
	case "ms":
		return g.lifetimeMilliseconds()
	case "s":
		return g.lifetimeSeconds()
	case "float":
		return g.float()
	default:
		panic("a script shape has an argument of the kind " + kind)
	}
}

// scriptShape is one meaning; respell gives it many spellings. In the text,
// call words in angle brackets are command names, and $1, $2 local names.
type scriptShape struct {
	keys int
	args []string
	mask Mask
	text string
	// once scripts are sent with EVAL alone: not every server keeps them.
	once bool
}

var scriptShapes = []scriptShape{
	// Delete, extend and tell only if mine.
	{keys: 1, args: []string{"value"}, text: "if redis.call(<GET>, KEYS[1]) == ARGV[1] then return redis.call(<DEL>, KEYS[1]) else return 0 end"},
	{keys: 1, args: []string{"value"}, text: "local $1 = redis.call(<GET>, KEYS[1])\nif $1 == ARGV[1] then\n  return redis.call(<DEL>, KEYS[1])\nelseif $1 == false then\n  return -1\nelse\n  return 0\nend"},
	{keys: 1, args: []string{"value"}, text: "if redis.call(<GET>, KEYS[1]) ~= ARGV[1] then return false end redis.call(<UNLINK>, KEYS[1]) return true"},
	{keys: 1, args: []string{"value", "ms"}, text: "if redis.call(<GET>, KEYS[1]) == ARGV[1] then return redis.call(<PEXPIRE>, KEYS[1], ARGV[2]) else return 0 end"},
	{keys: 1, args: []string{"value", "s"}, text: "if redis.call(<GET>, KEYS[1]) == ARGV[1] then return redis.call(<EXPIRE>, KEYS[1], ARGV[2]) end return 0"},
	{keys: 1, args: []string{"value", "ms"}, text: "if redis.call(<GET>, KEYS[1]) == ARGV[1] then return redis.call(<SET>, KEYS[1], ARGV[1], 'XX', 'PX', ARGV[2]) end return nil"},
	{keys: 1, args: []string{"value", "ms"}, text: "local $1 = redis.call(<GET>, KEYS[1])\nif not $1 or $1 ~= ARGV[1] then return 0 end\nlocal $2 = redis.call(<PTTL>, KEYS[1])\nif $2 < 0 then $2 = 0 end\nredis.call(<PEXPIRE>, KEYS[1], $2 + ARGV[2])\nreturn 1"},
	{keys: 1, args: []string{"value"}, mask: Remaining, text: "if redis.call(<GET>, KEYS[1]) == ARGV[1] then return redis.call(<PTTL>, KEYS[1]) else return -3 end"},
	{keys: 1, mask: Remaining, text: "return {redis.call(<GET>, KEYS[1]), redis.call(<PTTL>, KEYS[1])}"},
	{keys: 1, mask: Remaining, text: "local $1 = redis.call(<GET>, KEYS[1])\nif not $1 then return nil end\nreturn {$1, redis.call(<PTTL>, KEYS[1])}"},
	// Acquire.
	{keys: 1, args: []string{"value", "ms"}, text: "return redis.call(<SET>, KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])"},
	{keys: 1, args: []string{"value", "ms"}, text: "if redis.call(<EXISTS>, KEYS[1]) == 0 then redis.call(<SET>, KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1 end return 0"},
	{keys: 1, args: []string{"value", "ms"}, text: "local $1 = redis.call(<GET>, KEYS[1])\nif $1 == ARGV[1] then\n redis.call(<PEXPIRE>, KEYS[1], ARGV[2])\n return true\nelseif not $1 then\n redis.call(<SET>, KEYS[1], ARGV[1], 'PX', ARGV[2])\n return true\nend\nreturn false"},
	{keys: 1, args: []string{"value", "ms"}, text: "if redis.call(<SETNX>, KEYS[1], ARGV[1]) == 1 then return redis.call(<PEXPIRE>, KEYS[1], ARGV[2]) else return redis.error_reply('TAKEN by another') end"},
	{keys: 1, args: []string{"ms"}, text: "local $1 = redis.call(<INCR>, KEYS[1])\nif $1 == 1 then redis.call(<PEXPIRE>, KEYS[1], ARGV[1]) end\nreturn $1"},
	{keys: 1, args: []string{"s"}, text: "if tonumber(redis.call(<INCRBY>, KEYS[1], 2)) > 4 then return {err='LIMIT reached'} end\nreturn {ok='WITHIN'}"},
	// Add to floating-point numbers.
	{keys: 1, args: []string{"float"}, text: "return redis.call(<INCRBYFLOAT>, KEYS[1], ARGV[1])"},
	{keys: 1, text: "return redis.call(<INCRBYFLOAT>, KEYS[1], 0.1) .. ''"},
	// Several keys at once.
	{keys: 2, args: []string{"value", "ms"}, text: "for $1, $2 in ipairs(KEYS) do\n if redis.call(<EXISTS>, $2) == 1 then return 0 end\nend\nfor $1, $2 in ipairs(KEYS) do\n redis.call(<SET>, $2, ARGV[1], 'PX', ARGV[2])\nend\nreturn #KEYS"},
	{keys: 2, args: []string{"value"}, text: "local $1 = 0\nfor $2 = 1, #KEYS do\n if redis.call(<GET>, KEYS[$2]) == ARGV[1] then $1 = $1 + redis.call(<DEL>, KEYS[$2]) end\nend\nreturn $1"},
	{keys: 2, args: []string{"value"}, text: "local $1 = redis.call(<MGET>, KEYS[1], KEYS[2])\nfor _, $2 in ipairs($1) do if $2 ~= ARGV[1] then return false end end\nreturn redis.call(<DEL>, unpack(KEYS))"},
	{keys: 2, args: []string{"value", "value", "ms"}, text: "if redis.call(<MSETNX>, KEYS[1], ARGV[1], KEYS[2], ARGV[2]) == 0 then return redis.status_reply('NO') end\nfor _, $1 in ipairs(KEYS) do redis.call(<PEXPIRE>, $1, ARGV[3]) end\nreturn redis.status_reply('OK')"},
	// What a script may answer.
	{text: "return {1, 'two', 3.99, false, 5}"},
	{text: "return {1, nil, 3}"},
	{text: "return {{1, {}}, {'a', {true}}}"},
	{args: []string{"value"}, text: "return ARGV[1]"},
	{args: []string{"ms"}, text: "return tonumber(ARGV[1]) / 1000 + 0.5"},
	{args: []string{"ms"}, text: "return tostring(ARGV[1] * 1.5) .. ':' .. #ARGV[1]"},
	{text: "return -3.7"},
	{text: "return"},
	{text: "return true"},
	{text: "return redis.status_reply('FINE')"},
	{text: "return redis.error_reply('ERR my own words')"},
	{text: "return redis.error_reply('bare')"},
	{args: []string{"value"}, text: "return string.sub(ARGV[1], 1, 3) .. '|' .. string.len(ARGV[1]) .. '|' .. string.upper(ARGV[1])"},
	{text: "local $1 = 0\nlocal $2 = 5\nwhile $2 > 0 do $1 = $1 + $2 $2 = $2 - 1 if $1 > 11 then break end end\nreturn $1"},
	{text: "return math.floor(7.9) + math.max(1, 5) - math.min(2, 3)"},
	{text: "local $1 = {}\ntable.insert($1, 'x') $1[#$1 + 1] = 'y'\nreturn $1"},
	{text: "for i = '3', 1, -1 do if i == 2 then return i end end"},
	{text: "local function $1(x) return x * 2 end return $1(21)"},
	{keys: 1, text: "return {type(KEYS[1]), type(redis.call(<GET>, KEYS[1])), type(1), type(nil)}"},
	{keys: 1, text: "return redis.call(<TYPE>, KEYS[1]).ok"},
	// What goes wrong in a script.
	{keys: 1, text: "return redis.call(<INCR>, KEYS[1])"},
	{keys: 1, text: "local $1 = redis.pcall(<INCR>, KEYS[1])\nif type($1) == 'table' and $1.err then return 'caught: ' .. $1.err end\nreturn $1"},
	{keys: 1, text: "return redis.pcall(<SET>, KEYS[1])"},
	{keys: 1, text: "redis.call(<SET>, KEYS[1], 'half') return redis.call(<SET>, KEYS[1])"},
	{keys: 1, text: "return redis.call('NOSUCH', KEYS[1])", once: true},
	{keys: 1, args: []string{"value"}, text: "redis.call(<SET>, KEYS[1], ARGV[1]) return redis.call(<GETRANGE>, KEYS[1], 'a', 'b')"},
	{keys: 1, text: "return redis.call(<GET>, KEYS[2])"},
	{text: "return redis.call()"},
	{text: "return 1 +"},
	{text: "return nil + 1"},
	{text: "$1 = 5 return 1"},
	{text: "return $1"},
	{text: "error('thrown')"},
	{text: "return redis.call('MULTI')", once: true},
	{text: "return redis.call('WAIT', 0, 0)", once: true},
}

// commandName is a command name in the text of a shape.
var commandName = regexp.MustCompile(`<[A-Z]+>`)

// respell changes how a script is written and nothing of what it means:
// quotes, capitals of command names, local names, white space, comments.
func (g *generator) respell(text string) string {
	quote := g.pick("'", "\"")
	text = strings.ReplaceAll(text, "'", quote)
	lower := g.chance(50)
	text = commandName.ReplaceAllStringFunc(text, func(marked string) string {
		name := strings.Trim(marked, "<>")
		if lower {
			name = strings.ToLower(name)
		}
		return quote + name + quote
	})
	for number, name := range []string{g.pick("v", "current", "holder"), g.pick("t", "other", "i2")} {
		text = strings.ReplaceAll(text, fmt.Sprintf("$%d", number+1), name)
	}
	if g.chance(30) {
		text = strings.ReplaceAll(text, "\n", "\n    ")
	}
	if g.chance(20) {
		text = "-- a lock script\n" + text
	}
	if g.chance(20) {
		text = strings.ReplaceAll(text, ", ", ",")
	}
	return text
}
