package script

// Builtin numbers the library functions. The numbers are part of the log format and never reused; a new one needs a new format version, so that builds
// which do not know it stop instead of answering otherwise.
type Builtin uint32

// The library functions.
const (
	RedisCall              Builtin = 1
	RedisPCall             Builtin = 2
	RedisErrorReply        Builtin = 3
	RedisStatusReply       Builtin = 4
	RedisReplicateCommands Builtin = 5
	RedisLog               Builtin = 6
	RedisSHA1Hex           Builtin = 7

	ToNumber Builtin = 16
	ToString Builtin = 17
	TypeOf   Builtin = 18
	Unpack   Builtin = 19
	Error    Builtin = 20
	Assert   Builtin = 21
	Next     Builtin = 22 // of one argument only

	StringSub     Builtin = 32
	StringLen     Builtin = 33
	StringLower   Builtin = 34
	StringUpper   Builtin = 35
	StringFormat  Builtin = 36
	StringRep     Builtin = 37
	StringReverse Builtin = 38

	TableInsert Builtin = 48
	TableRemove Builtin = 49
	TableConcat Builtin = 50
	TableGetN   Builtin = 51

	MathFloor Builtin = 64
	MathCeil  Builtin = 65
	MathMax   Builtin = 66
	MathMin   Builtin = 67
	MathAbs   Builtin = 68
)

// implementation is how a builtin is named in programs and in error texts, and what it does.
type implementation struct {
	id   Builtin
	name string
	run  func(r *runner, line uint32, arguments []value) []value
}

// library lists every implementation. It is filled by init, because implementations reach the tables through the runner.
var library []implementation

// The library by number and by full name.
var (
	builtins       [MathAbs + 1]implementation
	builtinsByName = map[string]Builtin{}
)

func init() {
	library = []implementation{
		{RedisCall, "redis.call", redisCall},
		{RedisPCall, "redis.pcall", redisPCall},
		{RedisErrorReply, "redis.error_reply", redisErrorReply},
		{RedisStatusReply, "redis.status_reply", redisStatusReply},
		{RedisReplicateCommands, "redis.replicate_commands", redisReplicateCommands},
		{RedisLog, "redis.log", redisLog},
		{RedisSHA1Hex, "redis.sha1hex", redisSHA1Hex},
		{ToNumber, "tonumber", toNumberBuiltin},
		{ToString, "tostring", toStringBuiltin},
		{TypeOf, "type", typeBuiltin},
		{Unpack, "unpack", unpackBuiltin},
		{Error, "error", errorBuiltin},
		{Assert, "assert", assertBuiltin},
		{Next, "next", nextBuiltin},
		{StringSub, "string.sub", stringSub},
		{StringLen, "string.len", stringLen},
		{StringLower, "string.lower", stringLower},
		{StringUpper, "string.upper", stringUpper},
		{StringFormat, "string.format", stringFormat},
		{StringRep, "string.rep", stringRep},
		{StringReverse, "string.reverse", stringReverse},
		{TableInsert, "table.insert", tableInsert},
		{TableRemove, "table.remove", tableRemove},
		{TableConcat, "table.concat", tableConcat},
		{TableGetN, "table.getn", tableGetN},
		{MathFloor, "math.floor", mathFloor},
		{MathCeil, "math.ceil", mathCeil},
		{MathMax, "math.max", mathMax},
		{MathMin, "math.min", mathMin},
		{MathAbs, "math.abs", mathAbs},
	}
	for _, each := range library {
		builtins[each.id] = each
		builtinsByName[each.name] = each.id
	}
}

// LookupBuiltin finds a library function by its full name, such as "redis.call" or "tonumber".
func LookupBuiltin(name string) (Builtin, bool) {
	id, found := builtinsByName[name]
	return id, found
}
