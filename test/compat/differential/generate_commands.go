package differential

import "strconv"

// set makes SET with any of its options, also those that contradict each other.
func (g *generator) set() Command {
	args := []string{"SET", g.key(), g.value()}
	switch g.IntN(8) {
	case 0:
		return Command{Args: append(args, "NX", "PX", g.lifetimeMilliseconds())}
	case 1:
		return Command{Args: append(args, "EX", g.lifetimeSeconds(), "NX")}
	case 2:
		return Command{Args: args}
	}
	for range g.IntN(4) {
		args = append(args, g.setOption()...)
	}
	return Command{Args: args}
}

func (g *generator) setOption() []string {
	switch g.IntN(12) {
	case 0, 1:
		return []string{"NX"}
	case 2, 3:
		return []string{"XX"}
	case 4:
		return []string{"GET"}
	case 5:
		return []string{"KEEPTTL"}
	case 6:
		return []string{"EX", g.lifetimeSeconds()}
	case 7:
		return []string{"PX", g.lifetimeMilliseconds()}
	case 8:
		return []string{"EXAT", g.instantSeconds()}
	case 9:
		return []string{"PXAT", g.instantMilliseconds()}
	case 10:
		return []string{g.pick("EX", "PX", "EXAT", "PXAT"), g.pick("0", "-1", "abc", "9223372036854775807", "9223372036854775", "", "1.5")}
	default:
		return []string{g.pick("nx", "xx", "get", "FOO", "PERSIST", "")}
	}
}

// stringCommand makes the other commands on strings.
func (g *generator) stringCommand() Command {
	key := g.key()
	switch g.IntN(22) {
	case 0:
		return Command{Args: []string{"SETNX", key, g.value()}}
	case 1:
		return Command{Args: []string{"SETEX", key, g.orBadTime(g.lifetimeSeconds()), g.value()}}
	case 2:
		return Command{Args: []string{"PSETEX", key, g.orBadTime(g.lifetimeMilliseconds()), g.value()}}
	case 3:
		return Command{Args: []string{"GETSET", key, g.value()}}
	case 4:
		return Command{Args: []string{"GETDEL", key}}
	case 5:
		return g.getEx(key)
	case 6:
		return Command{Args: []string{g.pick("GETRANGE", "GETRANGE", "SUBSTR"), key, g.orInteger("0"), g.orInteger("-1")}}
	case 7:
		return Command{Args: []string{"STRLEN", key}}
	case 8:
		return Command{Args: append([]string{"MGET"}, g.someKeys()...)}
	case 9, 10:
		args := []string{g.pick("MSET", "MSETNX")}
		for _, key := range g.someKeys() {
			args = append(args, key, g.value())
		}
		return Command{Args: args}
	case 11, 12:
		return Command{Args: []string{g.pick("INCR", "DECR"), key}}
	case 13, 14:
		return Command{Args: []string{g.pick("INCRBY", "DECRBY"), key, g.orInteger("7")}}
	case 15, 16, 17:
		return g.floatCommand(key)
	default:
		return Command{Args: []string{"GET", key}}
	}
}

func (g *generator) getEx(key string) Command {
	args := []string{"GETEX", key}
	for range g.IntN(3) {
		switch g.IntN(6) {
		case 0:
			args = append(args, "EX", g.orBadTime(g.lifetimeSeconds()))
		case 1:
			args = append(args, "PX", g.orBadTime(g.lifetimeMilliseconds()))
		case 2:
			args = append(args, "EXAT", g.instantSeconds())
		case 3:
			args = append(args, "PXAT", g.instantMilliseconds())
		case 4:
			args = append(args, "PERSIST")
		default:
			args = append(args, g.pick("KEEPTTL", "NX", "persist", "foo"))
		}
	}
	return Command{Args: args}
}

// expiryCommand makes the commands that set or tell times to live.
func (g *generator) expiryCommand() Command {
	key := g.key()
	switch g.IntN(16) {
	case 0, 1:
		return g.expire("EXPIRE", key, g.lifetimeSeconds())
	case 2, 3:
		return g.expire("PEXPIRE", key, g.lifetimeMilliseconds())
	case 4:
		return g.expire("EXPIREAT", key, g.instantSeconds())
	case 5:
		return g.expire("PEXPIREAT", key, g.instantMilliseconds())
	case 6, 7:
		return Command{Args: []string{"PERSIST", key}}
	case 8, 9:
		return Command{Args: []string{"TTL", key}, Mask: Seconds}
	case 10, 11, 12:
		return Command{Args: []string{"PTTL", key}, Mask: Milliseconds}
	case 13:
		return Command{Args: []string{"EXPIRETIME", key}, Mask: UnixSeconds}
	case 14:
		return Command{Args: []string{"PEXPIRETIME", key}, Mask: UnixMilliseconds}
	default:
		return Command{Args: []string{g.pick("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"), key, g.pick(badTimes...)}}
	}
}

func (g *generator) expire(name, key, time string) Command {
	args := []string{name, key, time}
	if g.chance(40) {
		args = append(args, g.pick("NX", "XX", "GT", "LT", "gt", "lt"))
	}
	if g.chance(8) {
		args = append(args, g.pick("NX", "XX", "GT", "LT", "FOO"))
	}
	return Command{Args: args}
}

// keyCommand makes the commands on names.
func (g *generator) keyCommand() Command {
	switch g.IntN(9) {
	case 0, 1:
		return Command{Args: append([]string{"DEL"}, g.someKeys()...)}
	case 2:
		return Command{Args: append([]string{"UNLINK"}, g.someKeys()...)}
	case 3, 4:
		return Command{Args: append([]string{"EXISTS"}, g.someKeys()...)}
	case 5:
		return Command{Args: []string{"TYPE", g.key()}}
	case 6:
		return g.scan()
	case 7:
		return Command{Args: []string{"DEL", g.key()}}
	default:
		return Command{Args: []string{"TOUCH", g.key()}}
	}
}

// scan asks for so many names at once that the answer is whole.
func (g *generator) scan() Command {
	if g.chance(20) {
		return Command{Args: []string{"SCAN", g.pick("abc", "1x"), "COUNT", g.pick("0", "-1", "abc", "10")}}
	}
	args := []string{"SCAN", "0", "MATCH", keyPrefix + g.pick("*", "a", "[ab]", "?", "*\\**", "[^a]", "n*"), "COUNT", "1000000"}
	if g.chance(20) {
		args = append(args, "TYPE", g.pick("string", "hash", "STRING", "nosuch"))
	}
	return Command{Args: args, Mask: Scan}
}

// transactionWord makes the words of transactions where they may not belong.
func (g *generator) transactionWord() Command {
	switch g.IntN(6) {
	case 0:
		return Command{Args: []string{"MULTI"}}
	case 1, 2:
		return Command{Args: []string{"EXEC"}}
	case 3:
		return Command{Args: []string{"DISCARD"}}
	case 4:
		return Command{Args: append([]string{"WATCH"}, g.someKeys()...)}
	default:
		return Command{Args: []string{"UNWATCH"}}
	}
}

// plain makes commands that touch no key, and commands that do not exist.
func (g *generator) plain() Command {
	switch g.IntN(10) {
	case 7, 8, 9:
		return g.serverCommand()
	case 0:
		return Command{Args: []string{"PING"}}
	case 1:
		return Command{Args: []string{"PING", g.value()}}
	case 2:
		return Command{Args: []string{"ECHO", g.value()}}
	case 3:
		return Command{Args: []string{"TIME"}, Mask: ClockTime}
	case 4:
		return Command{Args: []string{"SELECT", g.pick("0", "0", "1", "15", "16", "-1", "abc", "")}}
	case 5:
		return Command{Args: []string{g.pick("NOSUCH", "LOCKME", "SETT", ""), g.value(), g.key()}}
	default:
		return Command{Args: []string{"NOSUCH\r\nX", g.pick("a", "b"), "it's"}}
	}
}

// connectionCommand makes commands about the connection itself.
func (g *generator) connectionCommand() Command {
	switch g.IntN(14) {
	case 0, 1:
		return Command{Args: []string{"HELLO"}, Mask: Hello}
	case 2:
		return Command{Args: []string{"HELLO", g.pick("2", "3", "3")}, Mask: Hello}
	case 3:
		return Command{Args: []string{"HELLO", g.pick("1", "4", "abc", "3x", "")}, Mask: Hello}
	case 4:
		return Command{Args: []string{"HELLO", "3", g.pick("SETNAME", "AUTH", "FOO"), g.pick("name", "two words")}, Mask: Hello}
	case 5:
		return Command{Args: []string{"CLIENT", "SETNAME", g.pick("me", "", "two words", "new\nline")}}
	case 6:
		return Command{Args: []string{"CLIENT", "GETNAME"}}
	case 7:
		return Command{Args: []string{"CLIENT", "ID"}, Mask: Types}
	case 8:
		return Command{Args: []string{"CLIENT", g.pick("NOSUCH", "SETNAME", "GETNAME"), "a", "b"}}
	case 9:
		return Command{Args: []string{"RESET"}}
	case 10:
		return Command{Args: []string{"QUIT"}}
	case 11:
		return Command{Args: []string{"AUTH", g.pick("secret", "")}}
	case 12:
		return Command{Args: []string{"AUTH", g.pick("default", "nobody"), "secret"}}
	default:
		return Command{Args: []string{"CLIENT"}}
	}
}

// raw makes inline commands and requests that break the protocol.
func (g *generator) raw() Command {
	switch g.IntN(10) {
	case 0:
		return Command{Wire: "SET " + keyPrefix + "a inline\r\n", Replies: 1}
	case 1:
		return Command{Wire: "GET  " + keyPrefix + "a\n", Replies: 1}
	case 2:
		return Command{Wire: "SET " + keyPrefix + "b \"a\\x41\\n b\"\r\nGET " + keyPrefix + "b\r\n", Replies: 2}
	case 3:
		return Command{Wire: "SET " + keyPrefix + "b 'it\\'s'\r\nGET " + keyPrefix + "b\r\n", Replies: 2}
	case 4:
		return Command{Wire: "\r\n\r\nPING\r\n", Replies: 1}
	case 5:
		return Command{Wire: "*0\r\n*-1\r\nPING\r\n", Replies: 1}
	case 6:
		return Command{Wire: "SET " + keyPrefix + "a \"open\r\n", Replies: 2}
	case 7:
		return Command{Wire: "*1\r\n" + g.pick(":4", "+PING", "x") + "\r\n", Replies: 2}
	case 8:
		return Command{Wire: "*" + g.pick("abc", "2147483648", "-x", "1 ") + "\r\n", Replies: 2}
	default:
		return Command{Wire: "*2\r\n$3\r\nGET\r\n$" + g.pick("-1", "abc", "536870913", "-5") + "\r\n", Replies: 2}
	}
}

func (g *generator) someKeys() []string {
	some := make([]string, 1+g.IntN(3))
	for i := range some {
		some[i] = g.key()
	}
	return some
}

// orInteger is the good argument, or now and then one of many numbers, or what is none.
func (g *generator) orInteger(good string) string {
	if g.chance(70) {
		return good
	}
	if g.chance(50) {
		return strconv.Itoa(g.IntN(40) - 20)
	}
	return g.pick(integers...)
}

// orBadTime is the good time to live, or now and then one that is none.
func (g *generator) orBadTime(good string) string {
	if g.chance(80) {
		return good
	}
	return g.pick(badTimes...)
}
