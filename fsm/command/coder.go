package command

import "github.com/coordd/coordd/fsm/internal/canonical"

// coder adds this package's types to the canonical coding.
type coder struct {
	canonical.Coder
	unknown *UnknownFormatError // a kind this build does not know
}

func writer(dst []byte) *coder { return &coder{Coder: canonical.Coder{Writing: true, Bytes: dst}} }

func reader(data []byte) *coder { return &coder{Coder: canonical.Coder{Bytes: data}} }

func list[T any](c *coder, items *[]T, element func(*coder, *T)) { canonical.List(c, items, element) }

func (c *coder) name(n *Name) {
	c.Byte(&n.Database, MaxDatabases-1)
	c.Text(&n.Key)
}

func (c *coder) names(names *[]Name) { list(c, names, (*coder).name) }

func (c *coder) position(p *Position) {
	c.Uint(&p.Index)
	c.Uint32(&p.Offset)
}

func (c *coder) instant(i *Instant) { c.Int((*int64)(i)) }

func (c *coder) token(t *Token) { c.Uint((*uint64)(t)) }

func (c *coder) expiry(e *Expiry) {
	c.Byte((*byte)(&e.Mode), byte(ExpiryAbsolute))
	c.Int(&e.Milliseconds)
}

func (c *coder) condition(v *Condition) { c.Byte((*byte)(v), byte(IfLess)) }

// request codes who asks. An anonymous request is one zero byte.
func (c *coder) request(r *Request) {
	c.Uint(&r.Session.Index)
	if r.Session.Index == 0 {
		*r = Request{}
		return
	}
	c.Uint32(&r.Session.Offset)
	c.Uint(&r.Number)
	c.Uint(&r.LowWater)
}
