package fsm

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
	"github.com/coordd/coordd/fsm/script"
)

// runTransaction runs ops as one. An error of one does not stop the others, as in Redis; a watched name that has changed stops all.
func (e *effects) runTransaction(op command.Transaction) command.Reply {
	s := e.m.state
	for _, watch := range op.Watches {
		key := keyOf(underlying(watch.Name))
		e.touch(key)
		if s.revisionOf(key) != watch.Revision {
			return command.NilArray()
		}
	}
	replies := make([]command.Reply, len(op.Ops))
	for i, op := range op.Ops {
		replies[i] = e.m.execute(e, op)
	}
	return command.Array(replies...)
}

// readTransaction is runTransaction for ops that only read.
func (v *view) readTransaction(op command.Transaction) command.Reply {
	for _, watch := range op.Watches {
		if v.revision(watch.Name) != watch.Revision {
			return command.NilArray()
		}
	}
	replies := make([]command.Reply, len(op.Ops))
	for i, op := range op.Ops {
		replies[i] = v.read(op)
	}
	return command.Array(replies...)
}

// callerFunc lets a function answer a script's commands.
type callerFunc func(argv [][]byte) command.Reply

// Call implements script.Caller.
func (call callerFunc) Call(argv [][]byte) command.Reply { return call(argv) }

// runScript runs a script as one command: what it writes is taken back as a whole only if it has to be proposed again.
func (e *effects) runScript(op command.Script) command.Reply {
	program, err := e.m.programs.decode(op.Program)
	if err != nil {
		var unknown *script.UnknownVersionError
		if errors.As(err, &unknown) {
			e.m.entry.fatal = fmt.Errorf("log index %d: %w", e.position.Index, err)
		}
		return badProgram(err)
	}
	defer func(outside bool) { e.inScript = outside }(e.inScript)
	e.inScript = true
	return script.Run(program, op.Keys, op.Arguments, callerFunc(func(argv [][]byte) command.Reply {
		called, reply, ok := redissyntax.ParseInScript(op.Database, argv, op.ReadsOnly)
		if !ok {
			return reply
		}
		return e.m.execute(e, called)
	}), script.DefaultBudget)
}

// runScript runs a script that only reads, outside the log.
func (v *view) runScript(op command.Script) command.Reply {
	program, err := v.programs.decode(op.Program)
	if err != nil {
		return badProgram(err)
	}
	moment := v.moment
	defer func() { v.moment = moment }()
	v.moment = "read"
	return script.Run(program, op.Keys, op.Arguments, callerFunc(func(argv [][]byte) command.Reply {
		called, reply, ok := redissyntax.ParseInScript(op.Database, argv, true)
		if !ok {
			return reply
		}
		return v.read(called)
	}), script.DefaultBudget)
}

func badProgram(err error) command.Reply {
	return command.Errorf(command.CodeMalformed, "the script's program does not decode: %s", err)
}

// loadScript remembers a script's text for every node, and forgets the oldest one when there are too many.
func (s *state) loadScript(op command.ScriptLoad) command.Reply {
	if len(op.Source) > command.MaxScriptBytes {
		return command.Errorf(command.CodeLimit, "a script has at most %d bytes; this one has %d", command.MaxScriptBytes, len(op.Source))
	}
	sum := sha1.Sum(op.Source)
	name := hex.EncodeToString(sum[:])
	if s.scripts.has(name) {
		return text(name)
	}
	if s.scripts.len() >= command.MaxScripts {
		age, oldest, _ := s.scriptAges.first()
		s.scriptAges.remove(age)
		s.scripts.remove(oldest)
	}
	age := s.nextRevision()
	s.scripts.put(name, scriptRecord{source: bytes.Clone(op.Source), age: age})
	s.scriptAges.put(age, name)
	return text(name)
}

func (s *state) flushScripts() command.Reply {
	for {
		age, name, ok := s.scriptAges.first()
		if !ok {
			return command.OK()
		}
		s.scriptAges.remove(age)
		s.scripts.remove(name)
	}
}

func (s *state) scriptSource(op command.ScriptSource) command.Reply {
	record, ok := s.scripts.get(op.SHA1)
	if !ok {
		return command.Nil()
	}
	return command.Bulk(record.source)
}

func (s *state) scriptsExist(op command.ScriptExists) command.Reply {
	found := make([]command.Reply, len(op.SHA1s))
	for i, name := range op.SHA1s {
		found[i] = command.Bool(s.scripts.has(name))
	}
	return command.Array(found...)
}
