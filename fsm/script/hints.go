package script

// CommandInfo is what the analysis needs to know about a Redis command: where its keys are among the arguments, and whether it only reads. The fields are
// those of Redis' COMMAND.
type CommandInfo struct {
	FirstKey int
	LastKey  int // negative counts from the end
	Step     int // from key to key
	ReadOnly bool
}

// Hints is what is known about a program without running it.
type Hints struct {
	// ReadOnly: every Redis command is a constant one that only reads.
	ReadOnly bool
	// KeysKnown: the names that the program touches are among those of the other fields. Otherwise it may touch any.
	KeysKnown bool
	// AllKeys: any of KEYS; then KeyPlaces is of no interest.
	AllKeys bool
	// KeyPlaces are indices into KEYS, from 0.
	KeyPlaces []int
	// ArgumentPlaces are indices into ARGV, from 0, of arguments that are used as names.
	ArgumentPlaces []int
	// Constants are names that stand in the script.
	Constants []string
}

// Names lists the names that a run with these inputs may touch, perhaps with repeats; ok is false when they are not known.
func (h Hints) Names(keys, arguments [][]byte) (names [][]byte, ok bool) {
	if !h.KeysKnown {
		return nil, false
	}
	if h.AllKeys {
		names = append(names, keys...)
	} else {
		names = appendPlaces(names, keys, h.KeyPlaces)
	}
	names = appendPlaces(names, arguments, h.ArgumentPlaces)
	for _, name := range h.Constants {
		names = append(names, []byte(name))
	}
	return names, true
}

func appendPlaces(names, items [][]byte, places []int) [][]byte {
	for _, place := range places {
		if place < len(items) {
			names = append(names, items[place])
		}
	}
	return names
}

// Analyse finds out what is known about the program. lookup answers what a command of that name, in any letter case, is like.
func (p *Program) Analyse(lookup func(name string) (CommandInfo, bool)) Hints {
	a := &analyser{lookup: lookup, definitions: make([]*Expression, p.Slots), changed: make([]bool, p.Slots), hints: Hints{ReadOnly: true, KeysKnown: true}}
	visitBlocks := func(visit func([]Statement)) {
		for i := range p.Functions {
			visit(p.Functions[i].Body)
		}
		visit(p.Main)
	}
	for i := range p.Functions {
		for parameter := range p.Functions[i].Parameters {
			a.changed[p.Functions[i].FirstSlot+parameter] = true
		}
	}
	visitBlocks(a.define)
	a.judgeWrites()
	visitBlocks(a.block)
	return a.hints
}

// analyser knows for each variable the one expression it always holds, if there is just one.
type analyser struct {
	lookup       func(string) (CommandInfo, bool)
	definitions  []*Expression
	changed      []bool
	written      []*Expression // tables to which fields are assigned
	inputChanged bool          // KEYS or ARGV may not be what they were
	hints        Hints
}

// define notes which variables never change.
func (a *analyser) define(statements []Statement) {
	for i := range statements {
		s := &statements[i]
		switch {
		case s.Op == Local && len(s.Slots) == len(s.Expressions):
			for j, slot := range s.Slots {
				a.definitions[slot] = &s.Expressions[j]
			}
		case s.Op == ArrayFor && len(s.Slots) == 2 && len(s.Expressions) == 1:
			// The second variable is an element of the table that is walked: standing for it is the table, indexed by something unknown.
			a.definitions[s.Slots[1]] = &Expression{Op: Index, Operands: []Expression{s.Expressions[0], {Op: Nil}}}
			a.changed[s.Slots[0]] = true
		default:
			for _, slot := range s.Slots {
				a.changed[slot] = true
			}
		}
		for j := range s.Targets {
			a.assigned(&s.Targets[j])
		}
		for _, block := range s.Blocks {
			a.define(block)
		}
	}
}

// assigned notes an assignment.
func (a *analyser) assigned(target *Expression) {
	switch target.Op {
	case Variable:
		a.changed[target.Place] = true
	case Index:
		a.written = append(a.written, &target.Operands[0])
	}
}

// judgeWrites finds out whether an assignment to a field may change KEYS or ARGV: any may that is not to a table which the script made itself.
func (a *analyser) judgeWrites() {
	for _, object := range a.written {
		if a.resolve(object).Op != Table {
			a.inputChanged = true
		}
	}
}

func (a *analyser) block(statements []Statement) {
	for i := range statements {
		s := &statements[i]
		a.expressions(s.Targets)
		a.expressions(s.Expressions)
		for _, block := range s.Blocks {
			a.block(block)
		}
	}
}

func (a *analyser) expressions(list []Expression) {
	for i := range list {
		e := &list[i]
		a.expressions(e.Operands)
		switch e.Op {
		case CallBuiltin:
			a.builtin(Builtin(e.Place), e.Operands)
		case CallValue:
			callee := a.resolve(&e.Operands[0])
			if callee.Op != BuiltinValue {
				a.unknown()
				continue
			}
			a.builtin(Builtin(callee.Place), e.Operands[1:])
		}
	}
}

func (a *analyser) unknown() { a.hints.ReadOnly, a.hints.KeysKnown = false, false }

// resolve follows variables that never change to what they hold.
func (a *analyser) resolve(e *Expression) *Expression {
	for range len(a.definitions) + 1 {
		if e.Op != Variable || a.changed[e.Place] || a.definitions[e.Place] == nil {
			return e
		}
		e = a.definitions[e.Place]
	}
	return e
}

func (a *analyser) builtin(id Builtin, arguments []Expression) {
	switch id {
	case TableInsert, TableRemove:
		if len(arguments) > 0 && a.resolve(&arguments[0]).Op != Table {
			a.hints.KeysKnown = false // KEYS itself may be changed
		}
		return
	case RedisCall, RedisPCall:
	default:
		return
	}
	if len(arguments) == 0 {
		return // an error at run time
	}
	name := a.resolve(&arguments[0])
	if name.Op != Text {
		a.unknown()
		return
	}
	info, found := a.lookup(name.Text)
	if !found {
		return // an error at run time
	}
	if !info.ReadOnly {
		a.hints.ReadOnly = false
	}
	a.keys(info, arguments)
}

// keys notes the arguments that are names.
func (a *analyser) keys(info CommandInfo, arguments []Expression) {
	if info.FirstKey == 0 {
		return
	}
	last := info.LastKey
	if last < 0 {
		last = len(arguments) - 1
	}
	for i := 1; i < len(arguments); i++ {
		many := i == len(arguments)-1 && arguments[i].Op.IsCall()
		isKey := i >= info.FirstKey && i <= last && (i-info.FirstKey)%max(info.Step, 1) == 0
		if isKey || many && i <= max(last, info.FirstKey) {
			a.key(&arguments[i])
		}
	}
}

// key notes one name.
func (a *analyser) key(e *Expression) {
	if a.inputChanged {
		a.hints.KeysKnown = false
		return
	}
	switch e = a.resolve(e); {
	case e.Op == Text:
		a.hints.Constants = append(a.hints.Constants, e.Text)
	case e.Op == CallBuiltin && Builtin(e.Place) == Unpack && len(e.Operands) > 0 && a.resolve(&e.Operands[0]).Op == Keys:
		a.hints.AllKeys = true
	case e.Op != Index:
		a.hints.KeysKnown = false
	default:
		a.element(a.resolve(&e.Operands[0]), a.resolve(&e.Operands[1]))
	}
}

// element notes a name that is an element of KEYS or ARGV.
func (a *analyser) element(of, at *Expression) {
	place := -1
	if at.Op == Number && at.Number >= 1 && at.Number <= MaxNodes {
		place = int(at.Number) - 1
	}
	switch {
	case of.Op == Keys && place >= 0:
		a.hints.KeyPlaces = append(a.hints.KeyPlaces, place)
	case of.Op == Keys:
		a.hints.AllKeys = true
	case of.Op == Arguments && place >= 0:
		a.hints.ArgumentPlaces = append(a.hints.ArgumentPlaces, place)
	default:
		a.hints.KeysKnown = false
	}
}
