package script

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/canonical"
)

// formatVersion is the first byte of an encoded program.
const formatVersion = 1

// ErrMalformed is returned for bytes that are not a canonical program. Every machine refuses them alike.
var ErrMalformed = errors.New("the bytes are not a compiled script")

// UnknownVersionError is returned for a program of a version that this build does not know. A node that meets one in its log must stop, since other builds
// run what it cannot read.
type UnknownVersionError struct{ Version byte }

// Error implements error.
func (e *UnknownVersionError) Error() string {
	return fmt.Sprintf("a compiled script has format version %d, which this build does not know: it was written by a newer coordd; start that version on this node", e.Version)
}

// Encode gives the program's canonical bytes: version, meaning, trace.
func (p *Program) Encode() []byte {
	w := coder{Coder: canonical.Coder{Writing: true, Bytes: []byte{formatVersion}}}
	w.program(p)
	return w.Bytes
}

// Meaning gives the part of the encoding that is equal for all spellings of one script.
func (p *Program) Meaning() []byte {
	w := coder{Coder: canonical.Coder{Writing: true, Bytes: []byte{formatVersion}}}
	w.meaning(p)
	return w.Bytes
}

// Decode reads what Encode wrote, and nothing else: it is total over any bytes, and refuses programs that are too large, too deep, or that Run could not
// run. The error is ErrMalformed or an *UnknownVersionError.
func Decode(data []byte) (*Program, error) {
	if len(data) == 0 || len(data) > command.MaxProgramBytes {
		return nil, ErrMalformed
	}
	if data[0] != formatVersion {
		return nil, &UnknownVersionError{data[0]}
	}
	r := coder{Coder: canonical.Coder{Bytes: data[1:]}}
	var program Program
	r.program(&program)
	if r.Failed || len(r.Bytes) > 0 || program.Validate() != nil {
		return nil, ErrMalformed
	}
	return &program, nil
}

// coder walks a program in either direction. Lines come last in the encoding but belong to nodes all over the tree, so their places are gathered on
// the way.
type coder struct {
	canonical.Coder
	depth int
	nodes int
	lines []*uint32
}

func (c *coder) program(p *Program) {
	c.meaning(p)
	c.trace(&p.Trace)
}

func (c *coder) meaning(p *Program) {
	c.Uint32(&p.Slots)
	canonical.List(c, &p.Functions, (*coder).function)
	c.block(&p.Main)
}

func (c *coder) trace(t *Trace) {
	for i := range t.SHA1 {
		c.Byte(&t.SHA1[i], math.MaxUint8)
	}
	canonical.List(c, &t.Names, func(c *coder, name *string) { c.Text(name) })
	previous := int64(0)
	for _, line := range c.lines {
		step := int64(*line) - previous
		c.Int(&step)
		previous += step
		if previous < 0 || previous > math.MaxUint32 {
			c.Fail()
			return
		}
		*line = uint32(previous)
	}
}

func (c *coder) function(f *Function) {
	c.Uint32(&f.FirstSlot)
	c.Uint32(&f.Parameters)
	c.block(&f.Body)
}

// enter counts a level of nesting and refuses hostile depth.
func (c *coder) enter() bool {
	c.depth++
	if !c.Writing && c.depth > MaxDepth {
		c.Fail()
	}
	return !c.Failed
}

func (c *coder) leave() { c.depth-- }

// count codes the length of a list of nodes and refuses a hostile total before memory is taken for it.
func (c *coder) count(n int) int {
	n = c.Count(n)
	c.nodes += n
	if !c.Writing && c.nodes > MaxNodes {
		c.Fail()
		return 0
	}
	return n
}

func (c *coder) block(statements *[]Statement) {
	n := c.count(len(*statements))
	if !c.Writing && n > 0 {
		*statements = make([]Statement, n)
	}
	if !c.enter() {
		return
	}
	defer c.leave()
	for i := range *statements {
		if c.statement(&(*statements)[i]); c.Failed {
			return
		}
	}
}

func (c *coder) statement(s *Statement) {
	c.Byte((*byte)(&s.Op), byte(Call))
	canonical.List(c, &s.Slots, func(c *coder, slot *uint32) { c.Uint32(slot) })
	c.expressions(&s.Targets)
	c.expressions(&s.Expressions)
	n := c.count(len(s.Blocks))
	if !c.Writing && n > 0 {
		s.Blocks = make([][]Statement, n)
	}
	for i := range s.Blocks {
		if c.block(&s.Blocks[i]); c.Failed {
			return
		}
	}
	if s.Op.Raises() {
		c.lines = append(c.lines, &s.Line)
	}
}

func (c *coder) expressions(list *[]Expression) {
	n := c.count(len(*list))
	if !c.Writing && n > 0 {
		*list = make([]Expression, n)
	}
	if n == 0 || !c.enter() {
		return
	}
	defer c.leave()
	for i := range *list {
		if c.expression(&(*list)[i]); c.Failed {
			return
		}
	}
}

func (c *coder) expression(e *Expression) {
	c.Byte((*byte)(&e.Op), byte(First))
	switch shape := shapes[e.Op]; {
	case shape.place:
		c.Uint32(&e.Place)
	case shape.number:
		c.number(&e.Number)
	case shape.text:
		c.Text(&e.Text)
	}
	if shapes[e.Op].most > 0 {
		c.expressions(&e.Operands)
	}
	if e.Op.Raises() {
		c.lines = append(c.lines, &e.Line)
	}
}

// number codes a float by its bits, the exponent's end first, so that small integers take few bytes. There are no NaN constants.
func (c *coder) number(f *float64) {
	u := bits.ReverseBytes64(math.Float64bits(*f))
	c.Uint(&u)
	*f = math.Float64frombits(bits.ReverseBytes64(u))
	if *f != *f {
		c.Fail()
	}
}
