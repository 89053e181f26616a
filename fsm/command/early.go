package command

// The kinds of early end, of the range of sessions.
const (
	KindSessionOpenEarly Kind = 24
	KindSessionEndEarly  Kind = 25
)

// SessionOpenEarly opens a session whose client agrees that it may end before its TTL has passed: after EarlyMilliseconds without a renewal, if the leader finds a reason. Until then it
// certainly lives. The reply is that of SessionOpen with early_ms, as are the replies to its renewals.
type SessionOpenEarly struct {
	SecretHash        [32]byte
	TTLMilliseconds   int64
	ClientName        string
	Metadata          []byte
	EarlyMilliseconds int64 // MinEarlyEnd at least, the TTL at most
}

// SessionEndEarly ends a session whose client agreed to that, if it has not been renewed since the leader looked and has been silent for as long as it agreed to. Otherwise it changes
// nothing. The reply is a map: session, ended (1 or 0), why, now_ms.
type SessionEndEarly struct {
	Session SessionID
	Renewed Instant // when the session was renewed last, as the leader saw it: it names the renewals that it has seen
}

// Kind implements Op.
func (SessionOpenEarly) Kind() Kind { return KindSessionOpenEarly }

// ReadOnly implements Op.
func (SessionOpenEarly) ReadOnly() bool { return false }

// Kind implements Op.
func (SessionEndEarly) Kind() Kind { return KindSessionEndEarly }

// ReadOnly implements Op.
func (SessionEndEarly) ReadOnly() bool { return false }

func (o *SessionOpenEarly) code(c *coder) {
	c.Hash(&o.SecretHash)
	c.Int(&o.TTLMilliseconds)
	c.Text(&o.ClientName)
	c.Data(&o.Metadata)
	c.Int(&o.EarlyMilliseconds)
}

func (o *SessionEndEarly) code(c *coder) {
	c.position(&o.Session)
	c.instant(&o.Renewed)
}

func init() {
	codecs[KindSessionOpenEarly] = codecOf[SessionOpenEarly]()
	codecs[KindSessionEndEarly] = codecOf[SessionEndEarly]()
}
