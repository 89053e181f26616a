package raftnode

import "github.com/coordd/coordd/fsm/command"

// entryFrameBytes is room for the entry's own head: magic, version, term, instant, count.
const entryFrameBytes = 64

// laneKey is a connection of a node: the node's session and its number there. Commands without a session belong to no lane.
type laneKey struct {
	session command.SessionID
	lane    uint64
}

// ordered reports whether commands of the lane must keep their order.
func (k laneKey) ordered() bool { return !k.session.IsZero() && k.lane != 0 }

// parcel is what one lane brought at once: commands to be run in this order. It belongs to the proposer from submit until its done is called.
type parcel struct {
	lane     laneKey
	commands []command.Command
	encoded  [][]byte // each command as it will lie in the log, unless its leader has something to fill in
	prints   []footprint
	urgent   bool            // only keepalives: admitted first and shed last
	replies  []command.Reply // of the first len(replies) commands
	inFlight bool            // some of its commands are in an entry that has not come back
	finished bool            // done was called
	done     func(result)
	listedBy *flight // while a flight lists its parcels
}

// newParcel encodes the commands. Their order is kept, whatever happens.
func newParcel(commands []command.Command, urgent bool, done func(result)) *parcel {
	var all []byte
	ends := make([]int, len(commands))
	for i, c := range commands {
		all = command.AppendCommand(all, c)
		ends[i] = len(all)
	}
	encoded := make([][]byte, len(commands))
	for i, start := 0, 0; i < len(encoded); i++ {
		encoded[i], start = all[start:ends[i]], ends[i]
	}
	return newEncodedParcel(commands, encoded, urgent, done)
}

// newEncodedParcel is newParcel for commands that came encoded.
func newEncodedParcel(commands []command.Command, encoded [][]byte, urgent bool, done func(result)) *parcel {
	p := &parcel{commands: commands, encoded: encoded, prints: make([]footprint, len(commands)), urgent: urgent, done: done}
	for i, c := range commands {
		p.prints[i] = footprintOf(c.Op)
	}
	if len(commands) > 0 {
		p.lane = laneKey{commands[0].Request.Session, commands[0].Lane}
	}
	return p
}

// largest is the number of bytes of the largest command.
func (p *parcel) largest() int {
	largest := 0
	for _, one := range p.encoded {
		largest = max(largest, len(one))
	}
	return largest
}

// left is how many commands have no reply yet.
func (p *parcel) left() int { return len(p.commands) - len(p.replies) }

// slot says which command of which parcel stands at a place of an entry.
type slot struct {
	parcel *parcel
	index  int
}

// packer chooses, of everything that waits, what goes into the next entry. It decides and touches nothing.
type packer struct {
	slots   []slot
	tail    []slot // commands that end sessions: they come last
	bytes   int
	full    bool
	alone   bool
	written map[command.Name]struct{}
	lanes   map[laneKey]struct{} // lanes that have commands in this entry or in one in flight
}

// newPacker starts an entry that already holds the housekeeping's commands, and must leave out the lanes that have commands in flight.
func newPacker(busy map[laneKey]struct{}, reservedBytes, reservedCommands int) *packer {
	p := &packer{bytes: entryFrameBytes + reservedBytes, written: make(map[command.Name]struct{}), lanes: make(map[laneKey]struct{}, len(busy))}
	p.full = reservedCommands >= command.MaxCommandsPerEntry
	for lane := range busy {
		p.lanes[lane] = struct{}{}
	}
	return p
}

// offer adds as many of the parcel's commands as may go into this entry, from the first without a reply on, and returns how many that were. The rest waits
// for the next one, and so does everything else of its lane.
func (p *packer) offer(waiting *parcel) (taken int) {
	if p.full || waiting.inFlight {
		return 0
	}
	if _, busy := p.lanes[waiting.lane]; busy && waiting.lane.ordered() {
		return 0
	}
	ended := false
	for i := len(waiting.replies); i < len(waiting.commands) && !ended; i++ {
		print := &waiting.prints[i]
		if !p.fits(len(waiting.encoded[i]), print) {
			break
		}
		ended = print.endsHolds
		p.add(slot{waiting, i}, len(waiting.encoded[i]), print)
		taken++
	}
	if taken > 0 {
		p.lanes[waiting.lane] = struct{}{}
	}
	return taken
}

// fits applies the limits of an entry, and the rules that keep names from getting two owners in one.
func (p *packer) fits(size int, print *footprint) bool {
	count := p.len()
	switch {
	case p.alone:
		return false
	case p.bytes+size > command.MaxEntryBytes || count >= command.MaxCommandsPerEntry:
		p.full = true
		return false
	case print.alone:
		return count == 0
	case print.overwrites:
		for _, name := range print.writes {
			if _, already := p.written[name]; already {
				return false
			}
		}
	}
	return true
}

func (p *packer) add(s slot, size int, print *footprint) {
	p.bytes += size
	p.alone = print.alone
	for _, name := range print.writes {
		p.written[name] = struct{}{}
	}
	if print.endsHolds {
		p.tail = append(p.tail, s)
		return
	}
	p.slots = append(p.slots, s)
}

func (p *packer) len() int { return len(p.slots) + len(p.tail) }

// chosen is every slot in the order of the entry.
func (p *packer) chosen() []slot { return append(p.slots, p.tail...) }
