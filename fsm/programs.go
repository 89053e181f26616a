package fsm

import (
	"sync"

	"github.com/coordd/coordd/fsm/script"
)

// programs keeps decoded scripts, since a fleet runs the same few for ever. Decoding depends on nothing but the bytes, so what is kept never changes an outcome.
type programs struct {
	mu      sync.Mutex // reads decode too, beside Apply
	decoded map[string]*script.Program
	bytes   int
}

// maxProgramBytesKept bounds the cache by the encoded size of what is in it.
const maxProgramBytesKept = 4 << 20

func (p *programs) decode(data []byte) (*script.Program, error) {
	p.mu.Lock()
	program, found := p.decoded[string(data)]
	p.mu.Unlock()
	if found {
		return program, nil
	}
	program, err := script.Decode(data)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decoded == nil || p.bytes+len(data) > maxProgramBytesKept {
		p.decoded, p.bytes = make(map[string]*script.Program), 0
	}
	p.decoded[string(data)] = program
	p.bytes += len(data)
	return program, nil
}
