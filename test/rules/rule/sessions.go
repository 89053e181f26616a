package rule

// sessionRules are those of sessions and of what the log means.
var sessionRules = []Rule{
	red("S3", "position", "A session is named by its place in the log: an entry, and the place in it.",
		"fsm", "TestS03_SessionsOfOneEntryAreDifferent",
		edit("fsm/run.go", `command.Position{Index: m.state.index, Offset: place}`, `command.Position{Index: m.state.index}`)),
	red("S4", "no-memory", "A keepalive is never answered from memory.",
		"fsm", "TestS04_EveryDeadlineIsToldByAnAnswerOfNow",
		edit("fsm/requests.go", `		return false
	}
	return !op.ReadOnly()
`, `		return true
	}
	return !op.ReadOnly()
`)),
	red("S4", "only-keepalives", "Nothing but a keepalive extends a session.",
		"fsm", "TestS04_EveryDeadlineIsToldByAnAnswerOfNow",
		edit("fsm/holds_acquire.go", `	session, refusal := e.m.state.authorize(op.By.Session, op.By.Secret)
`, `	e.keepAlive(command.SessionKeepAlive{Session: op.By.Session, SecretHash: op.By.Secret})
	session, refusal := e.m.state.authorize(op.By.Session, op.By.Secret)
`)),
	red("S5", "listed", "An end that the holder did not ask for is listed in its session.",
		"fsm", "TestS05_ALossIsToldUntilItIsAcknowledged",
		edit("fsm/losses.go", `	if end.wished || a.session.IsZero() || !s.alive(a.session) {
`, `	if end.wished || a.session.IsZero() || !s.alive(a.session) || end.reason == ReasonForced {
`)),
	red("S5", "waits", "The next grant waits for the acknowledgement, or for the deadline that the holder had.",
		"fsm", "TestS05_ALossIsToldUntilItIsAcknowledged",
		edit("fsm/holds_end.go", `	if e.lose(id, a, end) && end.until > s.now && !end.now {
`, `	if e.lose(id, a, end) && end.until < 0 {
`)),
	red("S5", "repeated", "A loss is told with each keepalive until it is acknowledged.",
		"fsm", "TestS05_ALossIsToldUntilItIsAcknowledged",
		edit("fsm/losses.go", `	losses, count := e.m.state.lossesOf(op.By.Session, command.MaxLossesAnswered)
`, `	losses, count := e.m.state.lossesOf(op.By.Session, command.MaxLossesAnswered)
	for loss, any := e.m.state.firstLoss(op.By.Session); any; loss, any = e.m.state.firstLoss(op.By.Session) {
		e.m.state.losses.remove(loss)
	}
`)),
	red("S10", "version", "An entry of a version that this build does not know stops the machine.",
		"fsm", "TestS10_NewerFormatsStopAndMalformedBytesAreRefusedAlike",
		edit("fsm/machine.go", `	if errors.As(err, &unknown) {
`, `	if errors.As(err, &unknown) && index == 0 {
`)),
	red("S10", "kind", "A kind that this build does not know is not refused as malformed.",
		"fsm/command", "TestS10_UnknownVersionOrKindIsNotRefusedButStops",
		edit("fsm/command/codec.go", `	if !known {
		return Command{}, nil, &UnknownFormatError{fmt.Sprintf("a command of kind %d", kind)}
	}
`, `	if !known {
		return Command{}, nil, ErrMalformed
	}
`)),
	red("S37", "slices", "What a session held is given back in slices.",
		"fsm", "TestS37_ASessionsEndCountsAtOnce",
		edit("fsm/sessions.go", `		e.giveBack(op.Session, command.ExpireSlice)
`, `		e.giveBack(op.Session, 1<<30)
`)),
	red("S37", "at-once", "A session that has ended holds nothing, whatever is not given back yet.",
		"fsm", "TestS37_ASessionsEndCountsAtOnce",
		edit("fsm/records.go", `func (r sessionRecord) ended(now command.Instant) bool { return r.dead || r.deadline <= now }`, `func (r sessionRecord) ended(now command.Instant) bool { return r.deadline <= now }`)),
	red("S37", "sets", "Sets of locks are given back in slices too, and hold nothing meanwhile.",
		"fsm", "TestS37_ASessionsHoldsEndAtOnce",
		edit("fsm/sessions.go", `			allowance -= len(a.names) - 1
`, `			allowance += 1
`)),
}
