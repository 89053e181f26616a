package command

func (c *coder) mode(m *Mode) { c.Byte((*byte)(m), byte(Semaphore)) }

func (c *coder) credentials(by *Credentials) {
	c.position(&by.Session)
	c.Hash(&by.Secret)
}

func (c *coder) hold(h *HoldRef) {
	c.token(&h.Token)
	c.position(&h.Waiter)
}

func (o *Numbered) code(c *coder) {
	c.credentials(&o.By)
	c.Uint(&o.Number)
	c.Uint(&o.LowWater)
	c.inner(&o.Op, Numberable)
}

// Numberable reports whether ops of the kind may stand in a Numbered.
func Numberable(kind Kind) bool {
	switch kind {
	case KindHoldAcquire, KindHoldRenew, KindHoldRelease, KindHoldDescribe, KindElectionTransfer:
		return true
	}
	return false
}

func (o *SessionRenew) code(c *coder) {
	c.credentials(&o.By)
	list(c, &o.Acknowledged, func(c *coder, id *WaiterID) { c.position(id) })
}

func (o *SessionKill) code(c *coder) {
	c.position(&o.Session)
	c.Text(&o.Reason)
	c.Text(&o.Actor)
	c.Bool(&o.Now)
}

func (o *SessionList) code(c *coder) {
	c.position(&o.Cursor)
	c.Int(&o.Count)
	c.Text(&o.Match)
	c.Bool(&o.Nodes)
}

func (o *SessionInfo) code(c *coder) { c.position(&o.Session) }

func (o *HoldAcquire) code(c *coder) {
	list(c, &o.Names, func(c *coder, name *string) { c.Text(name) })
	c.mode(&o.Mode)
	c.Uint32(&o.Permits)
	c.Uint32(&o.Limit)
	c.credentials(&o.By)
	c.Text(&o.Owner)
	c.Int(&o.TTLMilliseconds)
	c.Int(&o.WaitMilliseconds)
	c.Bool(&o.Reentrant)
	c.Int(&o.MaxHold)
	c.Int(&o.Delay)
	c.Int(&o.AtLeast)
	c.Data(&o.Metadata)
}

func (o *HoldRenew) code(c *coder) { c.Text(&o.Name); c.hold(&o.Hold); c.Int(&o.TTLMilliseconds) }

func (o *HoldRelease) code(c *coder) {
	c.Text(&o.Name)
	c.hold(&o.Hold)
	c.credentials(&o.By)
	c.Text(&o.Owner)
	c.Bool(&o.All)
}

func (o *HoldCancel) code(c *coder) {
	c.Text(&o.Name)
	c.position(&o.Waiter)
	c.Text(&o.Owner)
	c.Uint(&o.Number)
	c.credentials(&o.By)
}

func (o *HoldDescribe) code(c *coder) {
	c.Text(&o.Name)
	c.hold(&o.Hold)
	c.credentials(&o.By)
	c.Text(&o.Owner)
	c.Data(&o.Metadata)
}

func (o *HoldCheck) code(c *coder) {
	list(c, &o.Checks, func(c *coder, check *Check) { c.Text(&check.Name); c.hold(&check.Hold) })
}

func (o *LockInfo) code(c *coder) { c.Text(&o.Name) }

func (o *LockList) code(c *coder) {
	c.Text(&o.Cursor)
	c.Int(&o.Count)
	c.Text(&o.Match)
	c.Bool(&o.Redis)
}

func (o *LockHistory) code(c *coder) { c.Text(&o.Name); c.Int(&o.Count) }

func (o *HoldOutcome) code(c *coder) { c.Text(&o.Name); c.position(&o.Waiter) }

func (o *ElectionTransfer) code(c *coder) {
	c.Text(&o.Name)
	c.hold(&o.Hold)
	c.credentials(&o.By)
	c.Text(&o.Owner)
	c.position(&o.Waiter)
	c.Text(&o.Candidate)
}

func (o *ElectionLeader) code(c *coder) { c.Text(&o.Name) }

func (o *ForceUnlock) code(c *coder) {
	c.Text(&o.Name)
	c.position(&o.Waiter)
	c.Text(&o.Reason)
	c.Text(&o.Actor)
	c.Bool(&o.Now)
}

// The kinds of native holds join the others at start, because Numbered reads some of them.
func init() {
	codecs[KindNumbered] = codecOf[Numbered]()
	codecs[KindSessionRenew] = codecOf[SessionRenew]()
	codecs[KindSessionKill] = codecOf[SessionKill]()
	codecs[KindSessionList] = codecOf[SessionList]()
	codecs[KindSessionInfo] = codecOf[SessionInfo]()
	codecs[KindHoldAcquire] = codecOf[HoldAcquire]()
	codecs[KindHoldRenew] = codecOf[HoldRenew]()
	codecs[KindHoldRelease] = codecOf[HoldRelease]()
	codecs[KindHoldCancel] = codecOf[HoldCancel]()
	codecs[KindHoldDescribe] = codecOf[HoldDescribe]()
	codecs[KindHoldCheck] = codecOf[HoldCheck]()
	codecs[KindLockInfo] = codecOf[LockInfo]()
	codecs[KindLockList] = codecOf[LockList]()
	codecs[KindLockHistory] = codecOf[LockHistory]()
	codecs[KindHoldOutcome] = codecOf[HoldOutcome]()
	codecs[KindElectionTransfer] = codecOf[ElectionTransfer]()
	codecs[KindElectionLeader] = codecOf[ElectionLeader]()
	codecs[KindForceUnlock] = codecOf[ForceUnlock]()
}
