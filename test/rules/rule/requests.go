package rule

// requestRules are those by which a request that is sent again has one effect, and keepalives pass.
var requestRules = []Rule{
	red("S17", "memory", "A number that was run is answered from memory.",
		"fsm", "TestS17_OneEffectPerNumber",
		edit("fsm/requests.go", `	if record, found := s.results.get(resultKey{id, c.Request.Number}); found {
`, `	if record, found := s.results.get(resultKey{id, c.Request.Number}); found && record.lock == "never" {
`)),
	red("S17", "mark", "A number at or below the mark is never run.",
		"fsm", "TestS17_OneEffectPerNumber",
		edit("fsm/requests.go", `	if c.Request.Number <= session.lowWater {
`, `	if c.Request.Number == 0 {
`)),
	red("S17", "window", "No result is dropped to make room: beyond the window nothing is run.",
		"fsm", "TestS17_OneEffectPerNumber",
		edit("fsm/numbered.go", `	if r.remembered < command.MaxRememberedResults &&`, `	if r.remembered < 2*command.MaxRememberedResults &&`)),
	red("S17", "became", "A remembered grant is answered with what became of it.",
		"fsm", "TestS17_OneEffectPerNumber",
		edit("fsm/requests.go", `	if e.acquired != "" && !reply.IsError() {
`, `	if e.acquired == "never" {
`)),
	red("S17", "unknown-session", "A number of a session that is over is never run.",
		"fsm", "TestS17_OneEffectPerNumber",
		edit("fsm/requests.go", `	if !ok || session.ended(s.now) {
`, `	if !ok {
`)),
	red("S17", "clients", "The numbers of clients have one effect too.",
		"fsm", "TestS17_AClientsNumbersHaveOneEffect",
		edit("fsm/numbered.go", `	if record, found := s.results.get(resultKey{op.By.Session, op.Number}); found {
`, `	if record, found := s.results.get(resultKey{op.By.Session, op.Number}); found && record.lock == "never" {
`)),
	red("S17", "bytes", "What is remembered is bounded in bytes: an answer that is too long is refused with its effects.",
		"fsm", "TestS17_WhatIsRememberedIsBounded",
		edit("fsm/requests.go", `	if cost <= command.MaxRememberedBytes {
`, `	if cost <= 100*command.MaxRememberedBytes {
`)),
	red("S17", "follows", "The mark does not pass a number that is not finished.",
		"raftnode", "TestS17_NumbersGrowAndTheMarkFollows",
		edit("raftnode/numbering.go", `		if !done {
			return
		}
`, `		if !done && n.lowWater+1 >= n.next {
			return
		}
`)),
	red("S17", "bounded", "A node has so many numbers unacknowledged, and gives out no more.",
		"raftnode", "TestS17_TheWindowIsBounded",
		edit("raftnode/numbering.go", `+uint64(count) > maxNumberedCommands {`, `+uint64(count) > 2*maxNumberedCommands {`)),
	red("S17", "same-number", "A command whose fate is not known is sent again under its number.",
		"raftnode", "TestS17_AResentCommandHasOneEffect",
		edit("raftnode/courier_return.go", `		if dead {
			j.number = 0`, `		if dead || j.maybeProposed {
			j.number = 0`)),
	red("S17", "lost-session", "A command that never ran under a lost session runs under a number of the next.",
		"raftnode", "TestS17_ALostNodeSessionCostsUnknownOutcomesNeverASecondEffect",
		edit("raftnode/courier_return.go", `	if j.number != 0 && c.sessionRefused(j, r.replies) {
`, `	if j.number != 0 && c.closed && c.sessionRefused(j, r.replies) {
`)),
	red("S17", "no-answer", "When a command's fate is unknown the connection closes without an answer.",
		"transport/resp", "TestS17_UnknownOutcomeClosesTheConnection",
		edit("transport/resp/batch.go", `	case mustDrop(failure):
`, `	case failure == nil:
`)),
	red("S29", "first", "Keepalives are admitted first.",
		"raftnode", "TestS29_KeepalivesAreAdmittedFirstAndShedLast",
		edit("raftnode/proposer_seal.go", `	for _, list := range [2][]*parcel{p.urgent, p.waiting} {
		for _, one := range list {
			packer.offer(one)
`, `	for _, list := range [2][]*parcel{p.waiting, p.urgent} {
		for _, one := range list {
			packer.offer(one)
`)),
	red("S29", "last", "Keepalives are shed last.",
		"raftnode", "TestS29_KeepalivesAreAdmittedFirstAndShedLast",
		edit("raftnode/proposer.go", `one.urgent && p.mailbox.urgentCommands < maxQueuedKeepalives:`, `one.urgent && p.mailbox.urgentCommands+p.mailbox.normalCommands < maxQueuedCommands:`)),
	red("S29", "door", "Nothing waits on a connection that carries keepalives.",
		"transport/resp", "TestS29_NoWaitWhereKeepalivesTravel",
		edit("transport/resp/locks.go", `	case c.carriesKeepalives:
`, `	case c.carriesKeepalives && a == nil:
`)),
	red("S29", "client", "The client's waits do not hold its keepalives back.",
		"client", "TestS29_WaitsShareTheConnectionWithKeepalives",
		edit("client/acquire.go", `strconv.FormatInt(max(1, patience.Milliseconds()), 10), "ASYNC")
	answer, taken`, `strconv.FormatInt(max(1, patience.Milliseconds()), 10))
	answer, taken`)),
}
