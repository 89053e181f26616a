package fsm

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
	"github.com/coordd/coordd/fsm/script"
)

// TestTranscripts runs the stories in testdata/*.txt. Accept what changed with -rewrite, and commit only what you understand.
//
//	entry [now=MS|now=+MS] [term=N] [events]   one log entry; a line of input is a command, and gets a line of output
//	read [clock=MS]                            the same commands outside the log
//	restore                                    write a snapshot, and go on with a machine that was restored from it
//	show                                       counts, deadline and whether there is work
//
// A command is one of Redis, or: open S ttl=MS · keepalive S · close S · acquire L [ttl= wait= session= owner= as=] · renew L token= [ttl=] ·
// release L token= [session=] · cancel L WAIT · expire · tick · offset MS · watch KEY as=W · exec [watch=W] CMD ; CMD · compare-and-delete KEY VALUE.
// open-early S ttl= after= · end-early S renewed=MS. Those about native holds stand at holdOp. In front of it may stand @N, the connection, and #S:N[:M], request N of session S with low-water mark M.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		s := newStory()
		datadriven.RunTest(t, path, s.tell)
	})
}

type story struct {
	m        *Machine
	index    uint64
	now      command.Instant
	sessions map[string]command.SessionID
	waiters  map[string]command.WaiterID
	watches  map[string]command.Watch
}

func newStory() *story {
	return &story{m: New(), now: 1000, sessions: map[string]command.SessionID{}, waiters: map[string]command.WaiterID{}, watches: map[string]command.Watch{}}
}

func (s *story) tell(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "entry":
		return s.entry(t, d)
	case "read":
		return s.read(t, d)
	case "restore":
		restored := New()
		if err := restored.Restore(bytes.NewReader(snapshotOf(s.m))); err != nil {
			return err.Error()
		}
		if one, other := s.m.state.chain, restored.state.chain; one != other {
			return "the hashes differ"
		}
		s.m = restored
		return "ok"
	case "show":
		return s.show()
	}
	t.Fatalf("%s: unknown directive %s", d.Pos, d.Cmd)
	return ""
}

func (s *story) show() string {
	sessions, locks, names, waiters := s.m.Counts()
	at, any := s.m.NextDeadline()
	deadline := "none"
	if any {
		deadline = fmt.Sprint(at)
	}
	return fmt.Sprintf("now %d, sessions %d, locks %d, names %d, waiters %d, next deadline %s, work %t", s.m.Now(), sessions, locks, names, waiters, deadline, s.m.HasWork())
}

func (s *story) entry(t *testing.T, d *datadriven.TestData) string {
	if arg, ok := d.Arg("now"); ok {
		text, relative := strings.CutPrefix(arg.Vals[0], "+")
		at := mustInt(t, text)
		if relative {
			at += int64(s.now)
		}
		s.now = command.Instant(at)
	}
	entry := command.Entry{Term: 1, Now: s.now}
	if d.HasArg("term") {
		d.ScanArgs(t, "term", &entry.Term)
	}
	s.index++
	for i, line := range lines(d.Input) {
		entry.Commands = append(entry.Commands, s.command(t, line, uint32(i)))
	}
	applied := s.m.Apply(s.index, 1, command.AppendEntry(nil, entry))
	if applied.Fatal != nil {
		return "fatal: " + applied.Fatal.Error()
	}
	if err := checkInvariants(s.m); err != nil {
		t.Fatalf("%s: %v", d.Pos, err)
	}
	var out strings.Builder
	for _, reply := range applied.Replies {
		fmt.Fprintln(&out, shown(reply))
	}
	if d.HasArg("events") {
		for _, event := range applied.Events {
			fmt.Fprintln(&out, "  "+eventLine(event))
		}
	}
	return out.String()
}

func (s *story) read(t *testing.T, d *datadriven.TestData) string {
	clock := s.m.Now()
	if arg, ok := d.Arg("clock"); ok {
		clock = command.Instant(mustInt(t, arg.Vals[0]))
	}
	var ops []command.Op
	var alias []string
	for _, line := range lines(d.Input) {
		words := strings.Fields(line)
		as := ""
		if words[0] == "watch" {
			as = option(words, "as")
			ops = append(ops, command.Revisions{Names: []command.Name{name(words[1])}})
		} else {
			ops = append(ops, s.op(t, words))
		}
		alias = append(alias, as)
	}
	replies, wait := s.m.Read(clock, ops)
	var out strings.Builder
	for i, reply := range replies {
		if alias[i] != "" {
			s.watches[alias[i]] = command.Watch{Name: ops[i].(command.Revisions).Names[0], Revision: uint64(reply.Elements[0].Integer)}
			reply = command.OK()
		}
		fmt.Fprintln(&out, shown(reply))
	}
	if wait != 0 {
		fmt.Fprintf(&out, "wait for %d\n", wait)
	}
	return out.String()
}

func (s *story) command(t *testing.T, line string, place uint32) command.Command {
	c := command.Command{Lane: 1000 + uint64(place)}
	words := strings.Fields(line)
	for ; words[0][0] == '@' || words[0][0] == '#'; words = words[1:] {
		if words[0][0] == '@' {
			c.Lane = uint64(mustInt(t, words[0][1:]))
			continue
		}
		parts := strings.Split(words[0][1:], ":")
		c.Request = command.Request{Session: s.sessions[parts[0]], Number: uint64(mustInt(t, parts[1]))}
		if len(parts) == 3 {
			c.Request.LowWater = uint64(mustInt(t, parts[2]))
		}
	}
	position := command.Position{Index: s.index, Offset: place}
	switch words[0] {
	case "open", "open-early":
		s.sessions[words[1]] = position
	}
	if as := option(words, "as"); as != "" && words[0] != "watch" {
		s.waiters[as] = position
	}
	c.Op = s.op(t, words)
	return c
}

func (s *story) op(t *testing.T, words []string) command.Op {
	number := func(key string) int64 {
		if text := option(words, key); text != "" {
			return mustInt(t, text)
		}
		return 0
	}
	var secret [32]byte
	session := s.sessions[option(words, "session")]
	if !session.IsZero() {
		secret = scenarioSecret
	}
	switch words[0] {
	case "open":
		return command.SessionOpen{SecretHash: scenarioSecret, TTLMilliseconds: number("ttl")}
	case "open-early":
		return command.SessionOpenEarly{SecretHash: scenarioSecret, TTLMilliseconds: number("ttl"), EarlyMilliseconds: number("after")}
	case "end-early":
		return command.SessionEndEarly{Session: s.sessions[words[1]], Renewed: command.Instant(number("renewed"))}
	case "keepalive":
		return command.SessionKeepAlive{Session: s.sessions[words[1]], SecretHash: scenarioSecret}
	case "close":
		return command.SessionClose{Session: s.sessions[words[1]], SecretHash: scenarioSecret}
	case "acquire":
		return command.LockAcquire{Name: words[1], Session: session, SecretHash: secret, Owner: option(words, "owner"), TTLMilliseconds: number("ttl"), WaitMilliseconds: number("wait")}
	case "renew":
		return command.LockRenew{Name: words[1], Token: command.Token(number("token")), TTLMilliseconds: number("ttl")}
	case "release":
		return command.LockRelease{Name: words[1], Token: command.Token(number("token")), Session: session, SecretHash: secret}
	case "cancel":
		return command.LockCancel{Name: words[1], Waiter: s.waiters[words[2]]}
	case "expire":
		return command.Expire{}
	case "tick":
		return command.Tick{}
	case "offset":
		return command.ClockOffset{Milliseconds: mustInt(t, words[1])}
	case "compare-and-delete":
		return command.Script{Program: compareAndDelete(t), Keys: [][]byte{[]byte(words[1])}, Arguments: [][]byte{[]byte(words[2])}}
	case "exec":
		return s.transaction(t, words[1:])
	}
	if op, known := s.holdOp(t, words); known {
		return op
	}
	if op, known := s.poolOp(t, words); known {
		return op
	}
	argv := make([][]byte, len(words))
	for i, word := range words {
		argv[i] = []byte(word)
	}
	op, refusal, ok := redissyntax.Parse(0, argv)
	if !ok {
		t.Fatalf("%v: %s", words, refusal.Text)
	}
	return op
}

func (s *story) transaction(t *testing.T, words []string) command.Op {
	var op command.Transaction
	if as := option(words[:1], "watch"); as != "" {
		op.Watches, words = []command.Watch{s.watches[as]}, words[1:]
	}
	for _, line := range strings.Split(strings.Join(words, " "), ";") {
		op.Ops = append(op.Ops, s.op(t, strings.Fields(line)))
	}
	return op
}

// compareAndDelete is the script that every Redis lock client sends: if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else
// return 0 end.
func compareAndDelete(t testing.TB) []byte {
	first := func(table script.ExpressionOp) script.Expression {
		return script.Expression{Op: script.Index, Operands: []script.Expression{{Op: table}, {Op: script.Number, Number: 1}}}
	}
	call := func(name string) script.Expression {
		return script.Expression{Op: script.CallBuiltin, Place: uint32(script.RedisCall), Operands: []script.Expression{{Op: script.Text, Text: name}, first(script.Keys)}}
	}
	program := script.Program{Main: []script.Statement{{
		Op:          script.If,
		Expressions: []script.Expression{{Op: script.Equal, Operands: []script.Expression{call("get"), first(script.Arguments)}}},
		Blocks: [][]script.Statement{
			{{Op: script.Return, Expressions: []script.Expression{call("del")}}},
			{{Op: script.Return, Expressions: []script.Expression{{Op: script.Number, Number: 0}}}},
		},
	}}}
	data := program.Encode()
	if _, err := script.Decode(data); err != nil {
		t.Fatal(err)
	}
	return data
}

func lines(input string) []string {
	if input == "" {
		return nil
	}
	return strings.Split(input, "\n")
}

func option(words []string, key string) string {
	for _, word := range words {
		if value, ok := strings.CutPrefix(word, key+"="); ok {
			return value
		}
	}
	return ""
}

func mustInt(t testing.TB, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func shown(reply command.Reply) string {
	switch reply.Type {
	case command.ReplyNil:
		return "nil"
	case command.ReplyNilArray:
		return "nil array"
	case command.ReplyInteger:
		return strconv.FormatInt(reply.Integer, 10)
	case command.ReplyBulk:
		return fmt.Sprintf("%q", reply.Text)
	case command.ReplyError:
		return "-" + string(reply.Text)
	case command.ReplyAgain:
		return "again"
	case command.ReplyMap:
		var pairs []string
		for i := 0; i < len(reply.Elements); i += 2 {
			pairs = append(pairs, string(reply.Elements[i].Text)+"="+strings.Trim(shown(reply.Elements[i+1]), `"`))
		}
		return strings.Join(pairs, " ")
	case command.ReplyArray:
		var elements []string
		for _, element := range reply.Elements {
			elements = append(elements, shown(element))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	return string(reply.Text)
}

func eventLine(event Event) string {
	line := event.Type.String()
	if event.Name.Key != "" {
		line += " " + event.Name.Key
	}
	if event.Token != 0 {
		line += fmt.Sprintf(" token=%d", event.Token)
	}
	for _, field := range []struct{ key, value string }{{"holder", event.Holder}, {"reason", event.Reason}} {
		if field.value != "" {
			line += fmt.Sprintf(" %s=%q", field.key, field.value)
		}
	}
	if !event.Waiter.IsZero() {
		line += " waiter=" + event.Waiter.String()
	}
	if !event.Session.IsZero() {
		line += " session=" + event.Session.String()
	}
	for _, field := range []struct{ key, value string }{{"mode", event.Mode}, {"owner", event.Owner}, {"meta", string(event.Metadata)}, {"actor", event.Actor}, {"why", event.Why}} {
		if field.value != "" {
			line += fmt.Sprintf(" %s=%q", field.key, field.value)
		}
	}
	if event.Deadline != 0 {
		line += fmt.Sprintf(" until=%d", event.Deadline)
	}
	return line
}
