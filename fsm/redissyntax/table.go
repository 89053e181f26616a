package redissyntax

import (
	"sort"

	"github.com/coordd/coordd/fsm/command"
)

// Flags says what COMMAND and the proposer want to know about a command.
type Flags uint16

// The flags. Their names on the wire are given by Flags.Names.
const (
	Write           Flags = 1 << iota // may change something
	ReadOnly                          // changes nothing
	DenyOutOfMemory                   // adds data
	Fast                              // takes constant or logarithmic time
	Loading                           // is answered without state
	Stale                             // is answered without state
	String                            // belongs to the string commands, otherwise to the keyspace commands
	Dangerous                         // walks everything
)

var flagNames = []struct {
	flag Flags
	name string
}{
	{Write, "write"}, {ReadOnly, "readonly"}, {DenyOutOfMemory, "denyoom"}, {Loading, "loading"}, {Stale, "stale"}, {Fast, "fast"},
}

// Names lists the flags in the order and spelling of a COMMAND reply.
func (f Flags) Names() []string {
	var names []string
	for _, each := range flagNames {
		if f&each.flag != 0 {
			names = append(names, each.name)
		}
	}
	return names
}

// Categories lists the ACL categories in the order and spelling of a COMMAND reply.
func (f Flags) Categories() []string {
	var names []string
	if f&String == 0 && f&(Write|ReadOnly) != 0 {
		names = append(names, "@keyspace")
	}
	if f&Write != 0 {
		names = append(names, "@write")
	}
	if f&ReadOnly != 0 {
		names = append(names, "@read")
	}
	if f&String != 0 {
		names = append(names, "@string")
	}
	if f&Fast != 0 {
		names = append(names, "@fast")
	} else {
		names = append(names, "@slow")
	}
	if f&Dangerous != 0 {
		names = append(names, "@dangerous")
	}
	return names
}

// Command describes one command: one row of the table.
type Command struct {
	Name     string // lower case
	Arity    int    // number of arguments with the name; negative: at least so many
	Flags    Flags
	FirstKey int // place of the first key in the arguments; 0 when there is none
	LastKey  int // place of the last key; negative counts from the end
	Step     int // distance from key to key
	Summary  string

	parse func(database uint8, argv [][]byte) (command.Op, error)
}

// Keys returns the arguments that are keys. It gives nil for too few arguments.
func (c *Command) Keys(argv [][]byte) [][]byte {
	last := c.LastKey
	if last < 0 {
		last += len(argv)
	}
	if c.FirstKey == 0 || last >= len(argv) {
		return nil
	}
	var keys [][]byte
	for i := c.FirstKey; i <= last; i += c.Step {
		keys = append(keys, argv[i])
	}
	return keys
}

// fits reports whether so many arguments, the name included, suit the arity.
func (c *Command) fits(count int) bool {
	if c.Arity >= 0 {
		return count == c.Arity
	}
	return count >= -c.Arity
}

// Commands lists every command of the package, sorted by name. The caller must not change what the pointers lead to.
func Commands() []*Command { return sortedCommands }

// Lookup finds a command by its name in any letter case, or gives nil.
func Lookup(name []byte) *Command {
	var buffer [maxNameLength]byte
	if len(name) > len(buffer) {
		return nil
	}
	for i, b := range name {
		buffer[i] = lowerByte(b)
	}
	return commandsByName[string(buffer[:len(name)])]
}

const maxNameLength = 16 // longer than every name in the table, which a test checks

const (
	read  = ReadOnly | Fast
	write = Write | Fast
	add   = Write | DenyOutOfMemory
)

var table = []Command{
	{"set", -3, add | String, 1, 1, 1, "Sets a string, on conditions and with an expiry if asked.", parseSet},
	{"setnx", 3, add | Fast | String, 1, 1, 1, "Sets a string if the name is free.", parseSetNX},
	{"setex", 4, add | String, 1, 1, 1, "Sets a string that expires after seconds.", parseSetEX},
	{"psetex", 4, add | String, 1, 1, 1, "Sets a string that expires after milliseconds.", parsePSetEX},
	{"getset", 3, add | Fast | String, 1, 1, 1, "Sets a string and answers the one before.", parseGetSet},
	{"get", 2, read | String, 1, 1, 1, "Answers a string.", parseGet},
	{"getdel", 2, write | String, 1, 1, 1, "Answers a string and deletes it.", parseGetDelete},
	{"getex", -2, write | String, 1, 1, 1, "Answers a string and changes its expiry.", parseGetExpire},
	{"getrange", 4, ReadOnly | String, 1, 1, 1, "Answers a part of a string.", parseGetRange},
	{"substr", 4, ReadOnly | String, 1, 1, 1, "Answers a part of a string.", parseGetRange},
	{"strlen", 2, read | String, 1, 1, 1, "Answers the length of a string.", parseLength},
	{"mget", -2, read | String, 1, -1, 1, "Answers several strings at one moment.", parseMultiGet},
	{"mset", -3, add | String, 1, -1, 2, "Sets several strings as one.", parseMultiSet("mset", false)},
	{"msetnx", -3, add | String, 1, -1, 2, "Sets several strings as one if all names are free.", parseMultiSet("msetnx", true)},
	{"incr", 2, add | Fast | String, 1, 1, 1, "Adds 1 to an integer.", parseIncrement(1)},
	{"decr", 2, add | Fast | String, 1, 1, 1, "Subtracts 1 from an integer.", parseIncrement(-1)},
	{"incrby", 3, add | Fast | String, 1, 1, 1, "Adds to an integer.", parseIncrementBy},
	{"decrby", 3, add | Fast | String, 1, 1, 1, "Subtracts from an integer.", parseDecrementBy},
	{"incrbyfloat", 3, add | Fast | String, 1, 1, 1, "Adds to a floating-point number.", parseIncrementByFloat},
	{"del", -2, Write, 1, -1, 1, "Deletes names.", parseDelete},
	{"unlink", -2, write, 1, -1, 1, "Deletes names.", parseDelete},
	{"delex", -2, write | String, 1, 1, 1, "Deletes a name if its value equals, or does not equal, the one given.", parseDeleteIf},
	{"delifeq", 3, write | String, 1, 1, 1, "Deletes a name if its value equals the one given.", parseDeleteIfEqual},
	{"exists", -2, read, 1, -1, 1, "Counts how many of the names exist.", parseExists},
	{"touch", -2, read, 1, -1, 1, "Counts how many of the names exist.", parseExists},
	{"type", 2, read, 1, 1, 1, "Answers what kind of value a name holds.", parseType},
	{"expire", -3, write, 1, 1, 1, "Lets a name expire after seconds.", parseExpireKey("expire", unitSeconds, false)},
	{"pexpire", -3, write, 1, 1, 1, "Lets a name expire after milliseconds.", parseExpireKey("pexpire", unitMilliseconds, false)},
	{"expireat", -3, write, 1, 1, 1, "Lets a name expire at a Unix time in seconds.", parseExpireKey("expireat", unitSeconds, true)},
	{"pexpireat", -3, write, 1, 1, 1, "Lets a name expire at a Unix time in milliseconds.", parseExpireKey("pexpireat", unitMilliseconds, true)},
	{"ttl", 2, read, 1, 1, 1, "Answers the seconds a name has left.", parseTimeToLive(command.RemainingSeconds)},
	{"pttl", 2, read, 1, 1, 1, "Answers the milliseconds a name has left.", parseTimeToLive(command.RemainingMilliseconds)},
	{"expiretime", 2, read, 1, 1, 1, "Answers the Unix time in seconds at which a name expires.", parseTimeToLive(command.DeadlineSeconds)},
	{"pexpiretime", 2, read, 1, 1, 1, "Answers the Unix time in milliseconds at which a name expires.", parseTimeToLive(command.DeadlineMilliseconds)},
	{"persist", 2, write, 1, 1, 1, "Takes a name's expiry away.", parsePersist},
	{"scan", -2, ReadOnly, 0, 0, 0, "Walks the names of the database.", parseScan},
	{"keys", 2, ReadOnly | Dangerous, 0, 0, 0, "Lists the names that match a pattern.", parseKeys},
	{"dbsize", 1, read, 0, 0, 0, "Counts the names of the database.", parseDatabaseSize},
	{"time", 1, Fast | Loading | Stale, 0, 0, 0, "Answers the time as seconds and microseconds.", parseTime},
	{"fence", -2, read, 1, 1, 1, "Answers the fencing token of a name, if it holds the value given.", parseFence},
}

var (
	commandsByName = make(map[string]*Command, len(table))
	sortedCommands = make([]*Command, 0, len(table))
)

func init() {
	for i := range table {
		commandsByName[table[i].Name] = &table[i]
		sortedCommands = append(sortedCommands, &table[i])
	}
	sort.Slice(sortedCommands, func(i, j int) bool { return sortedCommands[i].Name < sortedCommands[j].Name })
}
