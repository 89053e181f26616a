package resp

import (
	"container/list"
	"crypto/sha1"
	"sync"
	"sync/atomic"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/script"
	"github.com/coordd/coordd/transport/resp/lua"
)

// scriptCache keeps scripts in compiled form and forgets those that were used longest ago when they take too much room. It is this node's; the texts
// lie in the replicated state as well (command.ScriptLoad), so another node can fetch what its clients name by SHA1. A text that the state has
// forgotten may live on here: EVALSHA then still works, and a client whose node does not have it gets NOSCRIPT and sends the text again.
type scriptCache struct {
	limit int // bytes

	mu     sync.Mutex
	size   int
	bySHA1 map[[sha1.Size]byte]*list.Element // of *compiledScript
	recent *list.List                        // most recently used first
}

type compiledScript struct {
	sha1     [sha1.Size]byte
	program  []byte // canonical encoding
	readOnly bool   // it writes nothing, whatever its arguments are
	size     int    // bytes it takes in the cache, about

	deletesIfEqual bool                // it is the script with which clients give a lock back
	takesIfFree    []script.Expression // arguments of the SET that is all of it when the name is free
	disappointed   atomic.Int32        // how often it lately was not

	remembered atomic.Bool // the cluster has its text, or is about to
}

func newScriptCache(limit int) *scriptCache {
	return &scriptCache{limit: limit, bySHA1: map[[sha1.Size]byte]*list.Element{}, recent: list.New()}
}

// lookup finds a script by the SHA1 of its text, or gives nil.
func (s *scriptCache) lookup(sum [sha1.Size]byte) *compiledScript {
	s.mu.Lock()
	defer s.mu.Unlock()
	element := s.bySHA1[sum]
	if element == nil {
		return nil
	}
	s.recent.MoveToFront(element)
	return element.Value.(*compiledScript)
}

// compile finds or compiles a script. When ok is false, refusal says what is wrong with it.
func (s *scriptCache) compile(source []byte) (compiled *compiledScript, refusal command.Reply, ok bool) {
	if len(source) > command.MaxScriptBytes {
		return nil, command.Errorf(command.CodeLimit, "a script of %d bytes is too long; the limit is %d", len(source), command.MaxScriptBytes), false
	}
	sum := sha1.Sum(source)
	if found := s.lookup(sum); found != nil {
		return found, refusal, true
	}
	return compileScript(source, sum)
}

// compileScript turns a text into a program, and finds out whether it can write.
func compileScript(source []byte, sum [sha1.Size]byte) (*compiledScript, command.Reply, bool) {
	program, flags, err := lua.CompileFlags(source)
	if err != nil {
		return nil, errorf("%s", err), false
	}
	encoded := program.Encode()
	return &compiledScript{
		sha1:     sum,
		program:  encoded,
		readOnly: flags.NoWrites || lua.Analyse(program).ReadOnly,
		size:     len(encoded) + scriptOverhead,

		deletesIfEqual: deletesIfEqual(program),
		takesIfFree:    takesIfFree(program),
	}, command.Reply{}, true
}

// scriptOverhead is what a script takes in the cache beside its program, about.
const scriptOverhead = 256

// keep makes a script one that EVALSHA finds.
func (s *scriptCache) keep(compiled *compiledScript) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bySHA1[compiled.sha1] != nil {
		return
	}
	s.bySHA1[compiled.sha1] = s.recent.PushFront(compiled)
	s.size += compiled.size
	for s.size > s.limit && s.recent.Len() > 1 {
		oldest := s.recent.Remove(s.recent.Back()).(*compiledScript)
		delete(s.bySHA1, oldest.sha1)
		s.size -= oldest.size
	}
}

func (s *scriptCache) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.bySHA1)
	s.recent.Init()
	s.size = 0
}
