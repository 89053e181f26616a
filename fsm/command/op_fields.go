package command

import "sync"

// Each code method lists the fields of one op in the order in which they lie in the log. The order and coding of a released op never change: a new
// field is a new kind.

func (o *Tick) code(c *coder) { c.Uint(&o.HashIndex); c.Uint(&o.Hash) }

func (o *Expire) code(*coder) {}

func (o *ClockOffset) code(c *coder) { c.Int(&o.Milliseconds) }

func (o *Identity) code(c *coder) { c.Text(&o.ClusterID); c.Text(&o.ClusterName) }

func (o *Setting) code(c *coder) { c.Text(&o.Key); c.Text(&o.Value) }

func (o *SessionOpen) code(c *coder) {
	c.Hash(&o.SecretHash)
	c.Int(&o.TTLMilliseconds)
	c.Text(&o.ClientName)
	c.Data(&o.Metadata)
	c.Bool(&o.Node)
}

func (o *SessionKeepAlive) code(c *coder) { c.position(&o.Session); c.Hash(&o.SecretHash) }

func (o *SessionClose) code(c *coder) { c.position(&o.Session); c.Hash(&o.SecretHash) }

func (o *LockAcquire) code(c *coder) {
	c.Text(&o.Name)
	c.position(&o.Session)
	c.Hash(&o.SecretHash)
	c.Text(&o.Owner)
	c.Int(&o.TTLMilliseconds)
	c.Int(&o.WaitMilliseconds)
}

func (o *LockRenew) code(c *coder) { c.Text(&o.Name); c.token(&o.Token); c.Int(&o.TTLMilliseconds) }

func (o *LockRelease) code(c *coder) {
	c.Text(&o.Name)
	c.token(&o.Token)
	c.position(&o.Session)
	c.Hash(&o.SecretHash)
}

func (o *LockCancel) code(c *coder) { c.Text(&o.Name); c.position(&o.Waiter) }

func (o *Set) code(c *coder) {
	c.name(&o.Name)
	c.Data(&o.Value)
	c.condition(&o.Condition)
	c.Data(&o.Operand)
	c.expiry(&o.Expiry)
	c.Byte((*byte)(&o.Reply), byte(SetReplyOld))
}

func (o *Get) code(c *coder) { c.name(&o.Name) }

func (o *GetDelete) code(c *coder) { c.name(&o.Name) }

func (o *GetExpire) code(c *coder) { c.name(&o.Name); c.expiry(&o.Expiry) }

func (o *GetRefused) code(c *coder) { c.name(&o.Name); c.Text(&o.Text) }

func (o *GetRange) code(c *coder) { c.name(&o.Name); c.Int(&o.Start); c.Int(&o.End) }

func (o *Length) code(c *coder) { c.name(&o.Name) }

func (o *MultiGet) code(c *coder) { c.names(&o.Names) }

func (o *MultiSet) code(c *coder) {
	list(c, &o.Pairs, func(c *coder, p *Pair) { c.name(&p.Name); c.Data(&p.Value) })
	c.Bool(&o.IfAbsent)
}

func (o *Increment) code(c *coder) { c.name(&o.Name); c.Int(&o.Delta) }

func (o *IncrementBy) code(c *coder) { c.name(&o.Name); c.Text(&o.Delta) }

func (o *Delete) code(c *coder) { c.names(&o.Names) }

func (o *DeleteIf) code(c *coder) { c.name(&o.Name); c.condition(&o.Condition); c.Data(&o.Operand) }

func (o *Exists) code(c *coder) { c.names(&o.Names) }

func (o *Type) code(c *coder) { c.name(&o.Name) }

func (o *ExpireKey) code(c *coder) {
	c.name(&o.Name)
	c.expiry(&o.Expiry)
	list(c, &o.Conditions, (*coder).condition)
}

func (o *TimeToLive) code(c *coder) {
	c.name(&o.Name)
	c.Byte((*byte)(&o.Form), byte(DeadlineMilliseconds))
}

func (o *Persist) code(c *coder) { c.name(&o.Name) }

func (o *Scan) code(c *coder) {
	c.Byte(&o.Database, MaxDatabases-1)
	c.Uint(&o.Cursor)
	c.Text(&o.Match)
	c.Int(&o.Count)
	c.Text(&o.OfType)
}

func (o *Keys) code(c *coder) { c.Byte(&o.Database, MaxDatabases-1); c.Text(&o.Match) }

func (o *DatabaseSize) code(c *coder) { c.Byte(&o.Database, MaxDatabases-1) }

func (o *Time) code(*coder) {}

func (o *Fence) code(c *coder) { c.name(&o.Name); c.Bool(&o.HasValue); c.Data(&o.Value) }

func (o *Revisions) code(c *coder) { c.names(&o.Names) }

func (o *Transaction) code(c *coder) {
	list(c, &o.Watches, func(c *coder, w *Watch) { c.name(&w.Name); c.Uint(&w.Revision) })
	list(c, &o.Ops, func(c *coder, op *Op) { c.nested(op) })
}

func (o *Script) code(c *coder) {
	c.Data(&o.Program)
	c.Byte(&o.Database, MaxDatabases-1)
	list(c, &o.Keys, func(c *coder, d *[]byte) { c.Data(d) })
	list(c, &o.Arguments, func(c *coder, d *[]byte) { c.Data(d) })
	c.Bool(&o.ReadsOnly)
}

func (o *ScriptLoad) code(c *coder) { c.Data(&o.Source) }

func (o *ScriptSource) code(c *coder) { c.Text(&o.SHA1) }

func (o *ScriptExists) code(c *coder) { list(c, &o.SHA1s, func(c *coder, s *string) { c.Text(s) }) }

func (o *ScriptFlush) code(*coder) {}

// codec writes and reads the fields of one kind.
type codec struct {
	write func(*coder, Op)
	read  func(*coder) Op
}

// fields is implemented by a pointer to each op.
type fields[T any] interface {
	*T
	code(*coder)
}

func codecOf[T Op, P fields[T]]() codec {
	// A value whose fields are coded must lie in memory that is shared with the coder; this is where it does.
	spare := &sync.Pool{New: func() any { return new(T) }}
	use := func(c *coder, before T) (after T) {
		value := spare.Get().(*T)
		*value = before
		P(value).code(c)
		after = *value
		var nothing T
		*value = nothing
		spare.Put(value)
		return after
	}
	return codec{
		write: func(c *coder, op Op) { use(c, op.(T)) },
		read: func(c *coder) Op {
			var empty T
			return use(c, empty)
		},
	}
}

// codecs holds every kind this build knows.
var codecs = map[Kind]codec{
	KindTick:             codecOf[Tick](),
	KindExpire:           codecOf[Expire](),
	KindClockOffset:      codecOf[ClockOffset](),
	KindIdentity:         codecOf[Identity](),
	KindSetting:          codecOf[Setting](),
	KindSessionOpen:      codecOf[SessionOpen](),
	KindSessionKeepAlive: codecOf[SessionKeepAlive](),
	KindSessionClose:     codecOf[SessionClose](),
	KindLockAcquire:      codecOf[LockAcquire](),
	KindLockRenew:        codecOf[LockRenew](),
	KindLockRelease:      codecOf[LockRelease](),
	KindLockCancel:       codecOf[LockCancel](),
	KindSet:              codecOf[Set](),
	KindGet:              codecOf[Get](),
	KindGetDelete:        codecOf[GetDelete](),
	KindGetExpire:        codecOf[GetExpire](),
	KindGetRange:         codecOf[GetRange](),
	KindGetRefused:       codecOf[GetRefused](),
	KindLength:           codecOf[Length](),
	KindMultiGet:         codecOf[MultiGet](),
	KindMultiSet:         codecOf[MultiSet](),
	KindIncrement:        codecOf[Increment](),
	KindIncrementBy:      codecOf[IncrementBy](),
	KindDelete:           codecOf[Delete](),
	KindDeleteIf:         codecOf[DeleteIf](),
	KindExists:           codecOf[Exists](),
	KindType:             codecOf[Type](),
	KindExpireKey:        codecOf[ExpireKey](),
	KindTimeToLive:       codecOf[TimeToLive](),
	KindPersist:          codecOf[Persist](),
	KindScan:             codecOf[Scan](),
	KindKeys:             codecOf[Keys](),
	KindDatabaseSize:     codecOf[DatabaseSize](),
	KindTime:             codecOf[Time](),
	KindFence:            codecOf[Fence](),
	KindRevisions:        codecOf[Revisions](),
	KindScript:           codecOf[Script](),
	KindScriptLoad:       codecOf[ScriptLoad](),
	KindScriptSource:     codecOf[ScriptSource](),
	KindScriptExists:     codecOf[ScriptExists](),
	KindScriptFlush:      codecOf[ScriptFlush](),
}

// Transaction is added at start because its codec reads the others.
func init() { codecs[KindTransaction] = codecOf[Transaction]() }
