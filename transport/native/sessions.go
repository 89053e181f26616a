package native

import "github.com/coordd/coordd/fsm/command"

// DefaultSessionTTL is a session's time to live in ms when its client names none.
const DefaultSessionTTL = 10_000

// OpenSession reads SESSION.OPEN; the hash is that of the secret that the door made.
func OpenSession(argv [][]byte, secretHash [32]byte) (command.Op, *command.Reply) {
	op := command.SessionOpen{SecretHash: secretHash, TTLMilliseconds: DefaultSessionTTL}
	early := int64(0)
	o := &options{command: "SESSION.OPEN", left: argv[1:]}
	for o.more() {
		switch {
		case o.milliseconds("px", "PX", command.MinSessionTTL, command.MaxSessionTTL, &op.TTLMilliseconds), o.milliseconds("early", "EARLY", command.MinEarlyEnd, command.MaxSessionTTL, &early), o.text("name", "a client name", command.MaxClientNameBytes, &op.ClientName):
		case o.values("meta", 1, func(values [][]byte) {
			if op.Metadata = values[0]; len(op.Metadata) > command.MaxMetadataBytes {
				o.check(refuseLimit("metadata of %d bytes are too long; the limit is %d", len(op.Metadata), command.MaxMetadataBytes))
			}
		}):
		default:
			o.unknown()
		}
	}
	if early == 0 {
		return op, o.problem()
	}
	if early > op.TTLMilliseconds {
		o.fail(errorf("SESSION.OPEN: EARLY %d is beyond the session's time to live of %d ms", early, op.TTLMilliseconds))
	}
	return command.SessionOpenEarly{SecretHash: op.SecretHash, TTLMilliseconds: op.TTLMilliseconds, ClientName: op.ClientName, Metadata: op.Metadata, EarlyMilliseconds: early}, o.problem()
}

// RenewSession reads SESSION.RENEW.
func RenewSession(argv [][]byte) (op command.SessionRenew, refusal *command.Reply) {
	if op.By, refusal = parseCredentials(argv[1], argv[2]); refusal != nil || len(argv) == 3 {
		return op, refusal
	}
	ids := argv[4:]
	switch {
	case !is(argv[3], "ack"):
		unknown := errOption("SESSION.RENEW", argv[3])
		return op, &unknown
	case len(ids) == 0:
		missing := errNoValue("SESSION.RENEW", argv[3])
		return op, &missing
	case len(ids) > command.MaxAcknowledgements:
		return op, refuseLimit("%d acknowledgements are too many; the limit is %d", len(ids), command.MaxAcknowledgements)
	}
	for _, argument := range ids {
		id, refusal := parseWaiter(argument)
		if refusal != nil {
			return op, refusal
		}
		op.Acknowledged = append(op.Acknowledged, id)
	}
	return op, nil
}

// CloseSession reads SESSION.CLOSE.
func CloseSession(argv [][]byte) (command.SessionClose, *command.Reply) {
	by, refusal := parseCredentials(argv[1], argv[2])
	return command.SessionClose{Session: by.Session, SecretHash: by.Secret}, refusal
}

// ListSessions reads SESSION.LIST.
func ListSessions(argv [][]byte) (command.Op, *command.Reply) {
	op := command.SessionList{}
	count := uint64(DefaultCount)
	o := &options{command: "SESSION.LIST", left: argv[1:]}
	for o.more() {
		switch {
		case o.waiter("cursor", &op.Cursor), o.number("count", 1, command.MaxListCount, &count), o.text("match", "a pattern", command.MaxClientNameBytes, &op.Match):
		case o.flag("all"):
			op.Nodes = true
		default:
			o.unknown()
		}
	}
	op.Count = int64(count)
	return op, o.problem()
}

// SessionInfo reads SESSION.INFO.
func SessionInfo(argv [][]byte) (command.Op, *command.Reply) {
	id, refusal := parseSession(argv[1])
	return command.SessionInfo{Session: id}, refusal
}

// KillSession reads SESSION.KILL; the actor is who asks.
func KillSession(argv [][]byte, actor string) (command.SessionKill, *command.Reply) {
	id, refusal := parseSession(argv[1])
	op := command.SessionKill{Session: id, Actor: actor}
	o := &options{command: "SESSION.KILL", left: argv[2:]}
	o.check(refusal)
	for o.more() {
		switch {
		case o.text("reason", "a reason", command.MaxReasonBytes, &op.Reason):
		case o.flag("now"):
			op.Now = true
		default:
			o.unknown()
		}
	}
	if op.Reason == "" {
		o.fail(errorf("SESSION.KILL needs REASON text: it is what the session's client is told"))
	}
	return op, o.problem()
}
