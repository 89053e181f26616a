package script_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/script"
	"pgregory.net/rapid"

	_ "github.com/coordd/coordd/internal/rapidseed"
)

// compareAndDelete is what most unlock scripts mean.
func compareAndDelete() *script.Program {
	key := script.Expression{Op: script.Index, Line: 1, Operands: []script.Expression{{Op: script.Keys}, {Op: script.Number, Number: 1}}}
	token := script.Expression{Op: script.Index, Line: 1, Operands: []script.Expression{{Op: script.Arguments}, {Op: script.Number, Number: 1}}}
	call := func(name string, line uint32) script.Expression {
		return script.Expression{Op: script.CallBuiltin, Line: line, Place: uint32(script.RedisCall), Operands: []script.Expression{{Op: script.Text, Text: name}, key}}
	}
	return &script.Program{Main: []script.Statement{{
		Op:          script.If,
		Expressions: []script.Expression{{Op: script.Equal, Operands: []script.Expression{call("get", 1), token}}},
		Blocks: [][]script.Statement{
			{{Op: script.Return, Expressions: []script.Expression{call("del", 2)}}},
			{{Op: script.Return, Expressions: []script.Expression{{Op: script.Number}}}},
		},
	}}}
}

// TestEncodingIsPinned fails when the log format changes: a change needs a new version, and this one must decode for ever.
func TestEncodingIsPinned(t *testing.T) {
	const want = "\x01\x00\x00\x01\x03\x00\x00\x01\x16\x02\x1f\x01\x02\x05\x03get\n\x02\x06\x04\xbf\xe0\x03\n\x02\a\x04\xbf\xe0\x03" +
		"\x02\x01\t\x00\x00\x01\x1f\x01\x02\x05\x03del\n\x02\x06\x04\xbf\xe0\x03\x00\x01\t\x00\x00\x01\x04\x00\x00"
	program := compareAndDelete()
	if got := program.Meaning(); string(got) != want {
		t.Errorf("the meaning of compare-and-delete is now\n%q, not\n%q", got, want)
	}
	full := want + strings.Repeat("\x00", 20) + "\x00" + "\x02\x00\x00\x00\x02"
	if got := program.Encode(); string(got) != full {
		t.Errorf("compare-and-delete is now encoded as\n%q, not\n%q", got, full)
	}
	decoded, err := script.Decode([]byte(full))
	if err != nil || !reflect.DeepEqual(decoded, program) {
		t.Errorf("the pinned bytes decode to %+v, %v", decoded, err)
	}
}

func TestEncodeDecode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		program := programs(t)
		if err := program.Validate(); err != nil {
			t.Fatalf("the generator made a bad program: %v", err)
		}
		encoded := program.Encode()
		decoded, err := script.Decode(encoded)
		if err != nil {
			t.Fatalf("%q does not decode: %v", encoded, err)
		}
		if !bytes.Equal(decoded.Encode(), encoded) {
			t.Fatalf("encoded again it is another program")
		}
		if !bytes.HasPrefix(encoded, program.Meaning()) {
			t.Fatal("the meaning is not the beginning of the encoding")
		}
	})
}

// TestRunIsTotalAndDeterministic runs random programs twice: no panic, the same reply, the same Redis commands, and no change to the inputs.
func TestRunIsTotalAndDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		program := programs(t)
		run := func() (command.Reply, []string) {
			log := &callLog{}
			keys, arguments := [][]byte{[]byte("k"), []byte("2")}, [][]byte{[]byte("x"), []byte("10")}
			reply := script.Run(program, keys, arguments, log, script.DefaultBudget)
			if string(bytes.Join(append(keys, arguments...), nil)) != "k2x10" {
				t.Fatal("the inputs were changed")
			}
			return reply, log.calls
		}
		reply, calls := run()
		again, callsAgain := run()
		if !reflect.DeepEqual(reply, again) || !reflect.DeepEqual(calls, callsAgain) {
			t.Fatalf("first %+v after %q, then %+v after %q", reply, calls, again, callsAgain)
		}
		if len(calls) > script.DefaultBudget.Calls {
			t.Fatalf("%d calls", len(calls))
		}
	})
}

// callLog answers by turns and remembers what it was asked.
type callLog struct {
	calls   []string
	replies []command.Reply
}

func (l *callLog) Call(argv [][]byte) command.Reply {
	l.calls = append(l.calls, string(bytes.Join(argv, []byte(" "))))
	if len(l.replies) > 0 {
		return l.replies[min(len(l.calls), len(l.replies))-1]
	}
	return []command.Reply{
		command.Integer(3), command.Bulk([]byte("text")), command.Nil(), command.OK(), command.Array(command.Integer(1), command.Nil()),
		command.Errorf(command.CodeLocked, "it is held natively"),
	}[len(l.calls)%6]
}

func TestDecodeRefuses(t *testing.T) {
	good := compareAndDelete().Encode()
	var unknown *script.UnknownVersionError
	if _, err := script.Decode(append([]byte{2}, good[1:]...)); !errors.As(err, &unknown) || unknown.Version != 2 {
		t.Errorf("version 2: %v", err)
	}
	for name, data := range map[string][]byte{
		"nothing":         nil,
		"one byte":        good[:1],
		"a cut":           good[:len(good)-1],
		"a tail":          append(bytes.Clone(good), 0),
		"too long":        make([]byte, command.MaxProgramBytes+1),
		"a huge count":    {1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"a long spelling": append([]byte{1, 0x80, 0x00}, good[2:]...),
	} {
		if data != nil && name == "too long" {
			data[0] = 1
		}
		if _, err := script.Decode(data); !errors.Is(err, script.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*script.Program){
		"a slot that is not there":     func(p *script.Program) { p.Main[0].Expressions[0] = script.Expression{Op: script.Variable, Place: 9} },
		"a function that is not there": func(p *script.Program) { p.Main[0].Expressions[0] = script.Expression{Op: script.CallFunction} },
		"a function that recurses": func(p *script.Program) {
			p.Functions = []script.Function{{Body: []script.Statement{{Op: script.Call, Expressions: []script.Expression{{Op: script.CallFunction}}}}}}
		},
		"a library function that is not there": func(p *script.Program) { p.Main[0].Expressions[0].Operands[0].Place = 9999 },
		"a break outside of a loop":            func(p *script.Program) { p.Main = []script.Statement{{Op: script.Break}} },
		"a name too few":                       func(p *script.Program) { p.Slots = 1 },
		"a statement of no kind":               func(p *script.Program) { p.Main[0].Op = 0 },
		"too deep": func(p *script.Program) {
			e := script.Expression{Op: script.True}
			for range script.MaxDepth {
				e = script.Expression{Op: script.Not, Operands: []script.Expression{e}}
			}
			p.Main[0].Expressions[0] = e
		},
		"too many parts": func(p *script.Program) {
			p.Main[0].Expressions[0] = script.Expression{Op: script.And, Operands: make([]script.Expression, script.MaxNodes+1)}
			for i := range p.Main[0].Expressions[0].Operands {
				p.Main[0].Expressions[0].Operands[i].Op = script.True
			}
		},
	} {
		program := compareAndDelete()
		change(program)
		if program.Validate() == nil {
			t.Errorf("%s: Validate takes it", name)
		}
		if _, err := script.Decode(program.Encode()); !errors.Is(err, script.ErrMalformed) {
			t.Errorf("%s: Decode says %v", name, err)
		}
	}
}

// FuzzDecodeProgram checks that Decode is total, that it takes nothing but canonical bytes, and that what it takes can be run.
func FuzzDecodeProgram(f *testing.F) {
	f.Add(compareAndDelete().Encode())
	f.Add([]byte{1, 0, 0, 0})
	for _, example := range []int{1, 2, 3, 5, 8, 13, 21, 34} {
		f.Add(rapid.Custom(func(t *rapid.T) *script.Program { return programs(t) }).Example(example).Encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		program, err := script.Decode(data)
		if err != nil {
			return
		}
		if !bytes.Equal(program.Encode(), data) {
			t.Fatalf("%q decodes, but encoded again it is %q", data, program.Encode())
		}
		script.Run(program, [][]byte{[]byte("k")}, [][]byte{[]byte("1")}, &callLog{}, script.DefaultBudget)
	})
}
