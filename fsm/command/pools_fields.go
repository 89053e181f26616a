package command

// The fields of the ops of worker pools; see op_fields.go.

func (c *coder) poolSettings(s *PoolSettings) {
	c.Byte(&s.Zones, 2)
	c.Int(&s.Debounce)
	c.Int(&s.Drain)
	c.Uint32(&s.Moves)
}

func (c *coder) poolMember(m *PoolMember) {
	c.Text(&m.Pool)
	c.Text(&m.Worker)
	c.position(&m.Session)
	c.Hash(&m.SecretHash)
}

func (o *PoolCreate) code(c *coder) {
	c.Text(&o.Pool)
	c.Uint32(&o.Partitions)
	c.poolSettings(&o.Settings)
}

func (o *PoolAlter) code(c *coder) {
	c.Text(&o.Pool)
	c.Byte((*byte)(&o.Fields), byte(PoolZones|PoolDebounce|PoolDrain|PoolMoves))
	c.poolSettings(&o.Settings)
}

func (o *PoolDelete) code(c *coder) { c.Text(&o.Pool); c.position(&o.Incarnation) }

func (o *PoolJoin) code(c *coder) {
	c.poolMember(&o.Member)
	c.Uint32(&o.Weight)
	c.Text(&o.Zone)
	c.Text(&o.Address)
	c.Int(&o.Grace)
	c.position(&o.Old)
	c.Hash(&o.OldSecretHash)
}

func (o *PoolLeave) code(c *coder) { c.poolMember(&o.Member); c.Int(&o.Restart) }

func (o *PoolAcknowledge) code(c *coder) {
	c.poolMember(&o.Member)
	list(c, &o.Releases, func(c *coder, r *Release) { c.Uint32(&r.Partition); c.token(&r.Token) })
}

func (o *PoolEvict) code(c *coder) {
	c.Text(&o.Pool)
	c.Text(&o.Worker)
	c.Text(&o.Reason)
	c.Text(&o.Actor)
	c.Bool(&o.Now)
}

func (o *PoolPin) code(c *coder) { c.Text(&o.Pool); c.Uint32(&o.Partition); c.Text(&o.Worker) }

func (o *PoolList) code(*coder) {}

func (o *PoolInfo) code(c *coder) { c.Text(&o.Pool) }

func (o *PoolTable) code(c *coder) { c.Text(&o.Pool); c.Uint(&o.Since); c.position(&o.Incarnation) }

func (o *PoolAssignment) code(c *coder) { c.poolMember(&o.Member) }

func (o *PoolExplain) code(c *coder) { c.Text(&o.Pool); c.Text(&o.Key) }

// The codecs of pools join those of the other families at start.
func init() {
	codecs[KindPoolCreate] = codecOf[PoolCreate]()
	codecs[KindPoolAlter] = codecOf[PoolAlter]()
	codecs[KindPoolDelete] = codecOf[PoolDelete]()
	codecs[KindPoolJoin] = codecOf[PoolJoin]()
	codecs[KindPoolLeave] = codecOf[PoolLeave]()
	codecs[KindPoolAcknowledge] = codecOf[PoolAcknowledge]()
	codecs[KindPoolEvict] = codecOf[PoolEvict]()
	codecs[KindPoolPin] = codecOf[PoolPin]()
	codecs[KindPoolList] = codecOf[PoolList]()
	codecs[KindPoolInfo] = codecOf[PoolInfo]()
	codecs[KindPoolTable] = codecOf[PoolTable]()
	codecs[KindPoolAssignment] = codecOf[PoolAssignment]()
	codecs[KindPoolExplain] = codecOf[PoolExplain]()
}
