package native

import (
	"bytes"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

func words(line string) [][]byte { return bytes.Fields([]byte(line)) }

// parsers has every parser, by the least number of arguments that the table of commands lets through.
var parsers = map[string]struct {
	least int
	parse func(argv [][]byte) (any, *command.Reply)
}{
	"LOCK.ACQUIRE":      {2, func(argv [][]byte) (any, *command.Reply) { return Acquire(0, argv) }},
	"LOCK.MACQUIRE":     {4, func(argv [][]byte) (any, *command.Reply) { return AcquireSet(0, argv) }},
	"SEMAPHORE.ACQUIRE": {3, func(argv [][]byte) (any, *command.Reply) { return AcquirePermits(0, argv) }},
	"ELECTION.CAMPAIGN": {2, func(argv [][]byte) (any, *command.Reply) { return Campaign(0, argv) }},
	"LOCK.RENEW":        {3, func(argv [][]byte) (any, *command.Reply) { return Renew(0, argv) }},
	"LOCK.RELEASE":      {3, func(argv [][]byte) (any, *command.Reply) { return Release("LOCK.RELEASE", 0, argv) }},
	"LOCK.CANCEL":       {3, func(argv [][]byte) (any, *command.Reply) { return Cancel(0, argv) }},
	"LOCK.META":         {4, func(argv [][]byte) (any, *command.Reply) { return Describe(0, argv) }},
	"LOCK.AWAIT":        {3, func(argv [][]byte) (any, *command.Reply) { return Await(0, argv) }},
	"ELECTION.PROCLAIM": {5, func(argv [][]byte) (any, *command.Reply) { return Proclaim(0, argv) }},
	"ELECTION.TRANSFER": {5, func(argv [][]byte) (any, *command.Reply) { return Transfer(0, argv) }},
	"LOCK.INFO":         {2, func(argv [][]byte) (any, *command.Reply) { return Info(0, argv) }},
	"LOCK.LIST":         {1, func(argv [][]byte) (any, *command.Reply) { return List(argv) }},
	"LOCK.HISTORY":      {2, func(argv [][]byte) (any, *command.Reply) { return History(0, argv) }},
	"FENCE.CHECK":       {3, func(argv [][]byte) (any, *command.Reply) { return Check(0, argv) }},
	"LOCK.FORCE":        {4, func(argv [][]byte) (any, *command.Reply) { return Force(0, argv, "me") }},
	"SESSION.OPEN":      {1, func(argv [][]byte) (any, *command.Reply) { return OpenSession(argv, [32]byte{}) }},
	"SESSION.RENEW":     {3, func(argv [][]byte) (any, *command.Reply) { return RenewSession(argv) }},
	"SESSION.CLOSE":     {3, func(argv [][]byte) (any, *command.Reply) { return CloseSession(argv) }},
	"SESSION.LIST":      {1, func(argv [][]byte) (any, *command.Reply) { return ListSessions(argv) }},
	"SESSION.INFO":      {2, func(argv [][]byte) (any, *command.Reply) { return SessionInfo(argv) }},
	"SESSION.KILL":      {4, func(argv [][]byte) (any, *command.Reply) { return KillSession(argv, "me") }},
	"EVENTS.READ":       {2, func(argv [][]byte) (any, *command.Reply) { return ReadEvents(argv, 7) }},
	"EVENTS.SUBSCRIBE":  {2, func(argv [][]byte) (any, *command.Reply) { return SubscribeEvents(argv, 7) }},
}

// good has a request for each parser in which every option stands.
var good = []string{
	"LOCK.ACQUIRE job SHARED SESSION 1-0 s OWNER o WAIT 9 ASYNC REENTRANT MAXHOLD 50 DELAY 1 ATLEAST 1 META m REQUEST 3 LOW 2", "LOCK.ACQUIRE job px 50 wait 1",
	"LOCK.MACQUIRE 2 a b PX 50", "SEMAPHORE.ACQUIRE p 5 PERMITS 5 PX 50", "ELECTION.CAMPAIGN e VALUE v SESSION 1-0 s OWNER o", "LOCK.RENEW job 7 PX 50",
	"LOCK.RELEASE job 1-0 SESSION 1-0 s OWNER o ALL REQUEST 3 LOW 2", "LOCK.CANCEL job 1-0", "LOCK.CANCEL job OWNER o SESSION 1-0 s", "LOCK.CANCEL job NUMBER 7 SESSION 1-0 s",
	"LOCK.META job 7 text SESSION 1-0 s OWNER o REQUEST 3", "LOCK.AWAIT job 1-0 TIMEOUT 9", "LOCK.AWAIT job 1-0 ASYNC", "ELECTION.PROCLAIM e 7 VALUE v SESSION 1-0 s",
	"ELECTION.TRANSFER e 7 TO cid SESSION 1-0 s REQUEST 9", "ELECTION.TRANSFER e 7 TO 1-0 SESSION 1-0 s", "LOCK.INFO job", "LOCK.LIST CURSOR a COUNT 9 MATCH * ALL", "LOCK.HISTORY job COUNT 3",
	"FENCE.CHECK a 7 b 1-0", "LOCK.FORCE job REASON r WAITER 1-0 NOW", "SESSION.OPEN PX 2000 EARLY 1000 NAME n META m", "SESSION.RENEW 1-0 s ACK 1-0 1-1", "SESSION.CLOSE 1-0 s",
	"SESSION.LIST CURSOR 1-0 COUNT 9 MATCH * ALL", "SESSION.INFO 1-0", "SESSION.KILL 1-0 REASON r NOW", "EVENTS.READ $ NAME a NAME b PREFIX p SESSION 1-0 COUNT 9 BLOCK 9", "EVENTS.SUBSCRIBE 7-1 NAME a",
}

func TestEveryOptionIsRead(t *testing.T) {
	covered := map[string]bool{}
	for _, line := range good {
		argv := words(line)
		parser := parsers[string(argv[0])]
		covered[string(argv[0])] = true
		if _, refusal := parser.parse(argv); refusal != nil {
			t.Errorf("%s: %s", line, refusal.Text)
		}
		// One more word is one too many, except where any number may stand.
		if _, refusal := parser.parse(append(argv, []byte("surplus"))); refusal == nil && !strings.HasPrefix(line, "LOCK.INFO") && !strings.HasPrefix(line, "SESSION.INFO") && !strings.HasPrefix(line, "SESSION.CLOSE") {
			t.Errorf("%s surplus is accepted", line)
		}
	}
	for name := range parsers {
		if !covered[name] {
			t.Errorf("%s is read by no test", name)
		}
	}
}

// Whatever the arguments are, a parser answers: with a refusal that is an error without an effect, or with an op that survives the log.
func FuzzParsers(f *testing.F) {
	for _, line := range good {
		f.Add([]byte(strings.ReplaceAll(line, " ", "\x00")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		argv := bytes.Split(data, []byte{0})
		parser, known := parsers[strings.ToUpper(string(argv[0]))]
		if !known || len(argv) < parser.least {
			return
		}
		parsed, refusal := parser.parse(argv)
		if refusal != nil {
			if !refusal.IsError() || refusal.Code != command.CodeGeneric && refusal.Code != command.CodeLimit {
				t.Fatalf("%q is refused with %+v", argv, refusal)
			}
			return
		}
		op, isOp := parsed.(command.Op)
		if a, ok := parsed.(*Acquisition); ok {
			op, isOp = a.Wrapped(), true
		}
		if !isOp {
			return
		}
		encoded := command.AppendOp(nil, op)
		decoded, rest, err := command.DecodeOp(encoded)
		if err != nil || len(rest) > 0 || decoded.Kind() != op.Kind() || !bytes.Equal(command.AppendOp(nil, decoded), encoded) {
			t.Fatalf("%q makes %+v, which does not survive the log: %v", argv, op, err)
		}
	})
}
