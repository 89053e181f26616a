package lua

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
	"github.com/coordd/coordd/fsm/script"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// Flags are what a script's first line says about it ("#!lua flags=no-writes,…").
type Flags struct {
	NoWrites bool // the script must not write; EVAL_RO asks for the same
}

// Compile compiles the text of a script. The text is at most command.MaxScriptBytes long. The error is an *Error.
func Compile(source []byte) (*script.Program, error) {
	program, _, err := CompileFlags(source)
	return program, err
}

// CompileFlags is Compile for callers that heed the flags of the first line.
func CompileFlags(source []byte) (program *script.Program, flags Flags, err error) {
	if len(source) > command.MaxScriptBytes {
		return nil, flags, plainError("a script of %d bytes is too long; the limit is %d", len(source), command.MaxScriptBytes)
	}
	text, flags, problem := cutShebang(string(source))
	if problem != nil {
		return nil, flags, problem
	}
	chunk, problem := parseText(text)
	if problem != nil {
		return nil, flags, problem
	}
	if program, problem = compileChunk(chunk); problem != nil {
		return nil, flags, problem
	}
	program.Trace.SHA1 = sha1.Sum(source)
	if err := check(program); err != nil {
		return nil, flags, err
	}
	return program, flags, nil
}

// check makes sure that every machine can decode what the compiler made.
func check(program *script.Program) error {
	if err := program.Validate(); err != nil {
		return plainError("%s", err)
	}
	encoded := program.Encode()
	if len(encoded) > command.MaxProgramBytes {
		return plainError("the compiled script has %d bytes; the limit is %d", len(encoded), command.MaxProgramBytes)
	}
	if _, err := script.Decode(encoded); err != nil {
		return plainError("the script cannot be compiled: %s", err)
	}
	return nil
}

// cutShebang reads the first line when it begins with "#!". Its line end stays, so that lines keep their numbers.
func cutShebang(source string) (text string, flags Flags, problem *Error) {
	if !strings.HasPrefix(source, "#!") {
		return source, flags, nil
	}
	end := strings.IndexByte(source, '\n')
	if end < 0 {
		return "", flags, plainError("Invalid script shebang")
	}
	words := strings.Split(strings.TrimRight(source[:end], "\r"), " ")
	if words[0] != "#!lua" {
		return "", flags, plainError("Unexpected engine in script shebang: %s", clip(words[0]))
	}
	for _, word := range words[1:] {
		if word == "" {
			continue
		}
		list, found := strings.CutPrefix(word, "flags=")
		if !found {
			return "", flags, plainError("Unknown lua shebang option: %s", clip(word))
		}
		for _, flag := range strings.Split(list, ",") {
			switch flag {
			case "no-writes":
				flags.NoWrites = true
			case "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys", "": // of no consequence here
			default:
				return "", flags, plainError("Unexpected flag in script shebang: %s", clip(flag))
			}
		}
	}
	return source[end:], flags, nil
}

// parseText parses, and turns a panic of the parser into an error.
func parseText(text string) (chunk []ast.Stmt, problem *Error) {
	defer func() {
		if cause := recover(); cause != nil {
			chunk, problem = nil, plainError("Error compiling script (new function): the parser failed: %s", firstLine(fmt.Sprint(cause)))
		}
	}()
	if strings.HasPrefix(text, "#") { // gopher-lua takes such a line for a comment, Lua in Redis does not
		return nil, &Error{Line: 1, Text: "unexpected symbol near '#'"}
	}
	chunk, err := parse.Parse(bytes.NewReader([]byte(text)), "user_script")
	if err != nil {
		return nil, syntaxError(text, err)
	}
	return chunk, nil
}

// compileChunk turns the syntax tree into a program.
func compileChunk(chunk []ast.Stmt) (program *script.Program, problem *Error) {
	c := &compiler{program: &script.Program{}}
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case *Error:
			program, problem = nil, cause
		default:
			panic(cause)
		}
	}()
	c.program.Main = c.scoped(chunk)
	c.program.Slots = uint32(len(c.program.Trace.Names))
	return c.program, nil
}

// compiler holds what is known at one place of the text.
type compiler struct {
	program *script.Program
	scope   *scope
	loops   int // around the statement, within its function
	depth   int
}

// scope is a block's local names.
type scope struct {
	outer   *scope
	symbols map[string]symbol
}

// symbol is what a local name stands for: a variable, a finished function, or one whose body is being read.
type symbol struct {
	slot     uint32
	function bool
	index    uint32
	open     bool
}

// find looks a name up from the inside out.
func (c *compiler) find(name string) (symbol, bool) {
	for s := c.scope; s != nil; s = s.outer {
		if found, ok := s.symbols[name]; ok {
			return found, true
		}
	}
	return symbol{}, false
}

// declare makes a variable with a slot of its own.
func (c *compiler) declare(line int, name string) uint32 {
	slot := len(c.program.Trace.Names)
	if slot >= script.MaxSlots {
		refuse(line, "the script has more than %d local variables", script.MaxSlots)
	}
	if len(name) > script.MaxNameBytes {
		refuse(line, "the name of a local variable is longer than %d bytes", script.MaxNameBytes)
	}
	c.program.Trace.Names = append(c.program.Trace.Names, name)
	c.scope.symbols[name] = symbol{slot: uint32(slot)}
	return uint32(slot)
}

func (c *compiler) push() { c.scope = &scope{c.scope, map[string]symbol{}} }
func (c *compiler) pop()  { c.scope = c.scope.outer }

// scoped compiles the statements of a block.
func (c *compiler) scoped(statements []ast.Stmt) []script.Statement {
	c.push()
	defer c.pop()
	return c.statements(statements)
}

// deeper runs visit one level further down.
func (c *compiler) deeper(line int, visit func()) {
	c.depth++
	// The syntax tree has levels that the program has not, such as chains of "..", hence more than the program's limit.
	if c.depth > 2*script.MaxDepth {
		refuse(line, "the script is nested too deep; the limit is %d levels", script.MaxDepth)
	}
	visit()
	c.depth--
}

// Analyse gives what is known about a compiled script without running it, by the commands that coordd has.
func Analyse(program *script.Program) script.Hints {
	return program.Analyse(func(name string) (script.CommandInfo, bool) {
		row := redissyntax.Lookup([]byte(name))
		if row == nil {
			return script.CommandInfo{}, false
		}
		return script.CommandInfo{FirstKey: row.FirstKey, LastKey: row.LastKey, Step: row.Step, ReadOnly: row.Flags&redissyntax.Write == 0}, true
	})
}
