package rule

const once = "A name gets one owner in one entry, so no two owners have one token"

// tokenRules are those of fencing tokens.
var tokenRules = []Rule{
	red("S6", "base", "The base above which tokens begin is kept over snapshots.",
		"fsm", "TestS06_TokensStayAboveTheirBase",
		edit("fsm/snapshot.go", `	c.Uint(&s.tokenBase)
`, `	forgotten := uint64(0)
	c.Uint(&forgotten)
`)),
	red("S7", "machine", once+".",
		"fsm", "TestS07_OneGrantPerNameAndEntry",
		edit("fsm/machine.go", `	_, already := c.granted[key]
	return already
`, `	return false
`)),
	red("S7", "lane", "What a connection sent behind a command that has to wait for the next entry waits too.",
		"fsm", "TestS07_OneGrantPerNameAndEntry",
		edit("fsm/run.go", `		m.entry.block(from)
`, ``)),
	red("S7", "whole", "A command that has to wait for the next entry is taken back whole.",
		"fsm", "TestS07_OneGrantPerNameAndEntry",
		edit("fsm/run.go", `	if e.grantsTwice() {
		e.takeBack()
`, `	if e.grantsTwice() {
		m.state.keep()
`)),
	red("S7", "holds", "A second beginning of ownership by hand-over stays pending, of sets too.",
		"fsm", "TestS07_HoldsOfOneEntryHaveOneBeginning",
		edit("fsm/holds.go", `		clean = clean && (lock.live > 0 || !e.hasGranted(other))
`, ``)),
	red("S7", "partition", "A partition is granted once in an entry.",
		"fsm", "TestS07_APartitionIsGrantedOnceInAnEntry",
		edit("fsm/pools_handover.go", `if part.token == s.token() || p.record.incarnation.Index == s.index {`, `if p.record.incarnation.Index == s.index {`)),
	red("S7", "packing", "The proposer opens a new entry before it overwrites a name that the entry has written.",
		"raftnode", "TestS07_ProposerOpensANewEntryWhereANameWouldGetTwoOwners",
		edit("raftnode/packing.go", `_, already := p.written[name]; already {`, `_, already := p.written[name]; already && size < 0 {`)),
	red("S7", "scripts", "A script whose keys cannot be listed is alone in its entry.",
		"raftnode", "TestS07_ProposerOpensANewEntryWhereANameWouldGetTwoOwners",
		edit("raftnode/packing.go", `		return count == 0
`, `		return true
`)),
	red("S7", "sessions-last", "Commands that end sessions come last in an entry.",
		"raftnode", "TestS07_CommandsThatEndSessionsComeLast",
		edit("raftnode/packing.go", `	if print.endsHolds {
`, `	if print.endsHolds && size < 0 {
`)),
	red("S7", "one-flight", "A connection's commands are never in two entries in flight.",
		"raftnode", "TestS07_ALaneIsNeverInTwoEntriesInFlight",
		edit("raftnode/packing.go", `busy && waiting.lane.ordered() {`, `busy && !waiting.lane.ordered() {`)),
	red("S7", "again", "What had no effect is proposed anew.",
		"raftnode", "TestS07_AgainIsProposedAnewUntilEveryGrantHasItsOwnToken",
		edit("raftnode/proposer.go", `if replies[i].Type != command.ReplyAgain && s.index == len(s.parcel.replies) {`, `if s.index == len(s.parcel.replies) {`)),
	red("S7", "own-token", once+", also where the proposer lets them share the entry.",
		"raftnode", "TestS07_AgainIsProposedAnewUntilEveryGrantHasItsOwnToken",
		edit("fsm/machine.go", `	_, already := c.granted[key]
	return already
`, `	return false
`)),
	red("S8", "value", "A token is answered only with the value that its holder has set.",
		"fsm", "TestS08_ATokenIsReadOnlyWithTheValue",
		edit("fsm/keys_read.go", `if record.holding == holdingNone || op.HasValue && (record.holding != holdingString || string(record.value) != string(op.Value)) {`, `if record.holding == holdingNone {`)),
	red("S8", "door", "A late holder does not read its successor's token through any door.",
		"transport/resp", "TestS08_TokensCannotBeTakenFromASuccessor",
		edit("fsm/keys_read.go", `if record.holding == holdingNone || op.HasValue && (record.holding != holdingString || string(record.value) != string(op.Value)) {`, `if record.holding == holdingNone {`)),
	red("S8", "reserved", "Names under which tokens are read cannot be written.",
		"fsm", "TestS08_ATokenIsReadOnlyWithTheValue",
		edit("fsm/keys_write.go", `	if strings.HasPrefix(name.Key, command.ReservedPrefix) {
`, `	if strings.HasPrefix(name.Key, command.ReservedPrefix) && name.Key == "" {
`)),
	red("S8", "all-the-rest", "All that follows the prefix is the name.",
		"transport/resp", "TestS08_TokensCannotBeTakenFromASuccessor",
		edit("fsm/keys_read.go", `		reply = v.fence(command.Fence{Name: command.Name{Database: name.Database, Key: rest}})
`, `		rest, _, _ = strings.Cut(rest, ":")
		reply = v.fence(command.Fence{Name: command.Name{Database: name.Database, Key: rest}})
`)),
	red("S18", "same-value", "The same value is no new owner.",
		"fsm", "TestS18_ANewOwnerIsANewNameOrANewValue",
		edit("fsm/ownership.go", `if old.holding != holdingString || !bytes.Equal(old.value, value) {`, `if old.holding != holdingString || len(value) > 0 {`)),
	red("S18", "new-value", "A different value is a new owner, with a new token.",
		"fsm", "TestS18_ANewOwnerIsANewNameOrANewValue",
		edit("fsm/ownership.go", `		record.token = s.token()
`, `		if old.holding != holdingString {
			record.token = s.token()
		}
`)),
	red("S18", "counting", "Who counts up a name does not become its owner.",
		"fsm", "TestS18_ANewOwnerIsANewNameOrANewValue",
		edit("fsm/keys_counter.go", `	if record.holding != holdingString {
		e.setString`, `	if record.holding != holdingString || value != "" {
		e.setString`)),
	red("S18", "door", "What is a new owner holds for each Redis command.",
		"transport/resp", "TestS18_WhatIsANewOwner",
		edit("fsm/ownership.go", `		record.token = s.token()
`, `		if old.holding != holdingString {
			record.token = s.token()
		}
`)),
	red("S18", "increment", "INCR keeps the holder's token.",
		"transport/resp", "TestS18_IncrementKeepsTheHoldersToken",
		edit("fsm/keys_counter.go", `	if record.holding != holdingString {
		e.setString`, `	if record.holding != holdingString || value != "" {
		e.setString`)),
	red("S19", "one-phase", "All readers of one phase have the token of its first grant.",
		"fsm", "TestS19_TokensOfReadersAndPermits",
		edit("fsm/holds.go", `a.mode == command.Shared && lock.live > 0 {`, `a.mode == command.Shared && lock.live > 1<<30 {`)),
	red("S19", "own-token", "Each permit has a token of its own.",
		"fsm", "TestS19_TokensOfReadersAndPermits",
		edit("fsm/holds.go", `a.mode == command.Shared && lock.live > 0 {`, `a.mode != command.Exclusive && lock.live > 0 {`)),
	red("S19", "check", "Permits are checked one by one, not by the newest token.",
		"fsm", "TestS19_TokensOfReadersAndPermits",
		edit("fsm/holds_view.go", `valid = mode != command.Semaphore.String() && record.token == one.Hold.Token`, `valid = record.token >= one.Hold.Token`)),
}
