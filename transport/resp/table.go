package resp

import (
	"sort"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
)

// row is one command, or one subcommand of a container such as CLIENT.
type row struct {
	name       string // lower case; a subcommand's own name, without its container's
	arity      int    // arguments with the name, and with the container's name; negative: at least so many
	flags      string // as COMMAND shows them, separated by spaces
	categories string // ACL categories, likewise
	group      string
	usage      string // what follows the name, for HELP
	summary    string
	firstKey   int
	lastKey    int
	keyStep    int

	withoutAuth     bool // may be sent before authentication
	whileSubscribed bool // may be sent by a RESP2 client that has subscribed
	inMulti         queueing
	hidden          bool // only refuses, so COMMAND does not list it

	// One of these carries the command out.
	parse    parser                                // into an op for the node
	handle   func(c *connection, argv [][]byte)    // by the connection itself
	children []*row                                // by a subcommand
	keys     func(argv [][]byte) ([][]byte, error) // finds keys where their places are not fixed

	parent *row
}

// parser turns arguments into an op; when ok is false, reply is the answer.
type parser func(c *connection, database uint8, argv [][]byte) (op command.Op, reply command.Reply, ok bool)

// queueing says what becomes of a command between MULTI and EXEC.
type queueing uint8

const (
	queuedInMulti  queueing = iota // waits for EXEC
	atOnceInMulti                  // MULTI, EXEC and their like
	refusedInMulti                 // cannot be part of a transaction
)

var (
	commandsByName map[string]*row
	commandsSorted []*row // without the hidden ones
)

// The table is put together at start because the handlers of COMMAND and HELP read it.
func init() {
	families := [][]*row{
		keyRows(), connectionRows(), clientRows(), serverRows(), infoRows(), transactionRows(), scriptRows(), subscriptionRows(),
		sessionRows(), lockRows(), inquiryRows(), electionRows(), eventRows(), operatorRows(), poolRows(), refusedRows(),
	}
	commandsByName = map[string]*row{}
	for _, family := range families {
		for _, r := range family {
			commandsByName[r.name] = r
			for _, child := range r.children {
				child.parent = r
			}
			if !r.hidden {
				commandsSorted = append(commandsSorted, r)
			}
		}
	}
	sort.Slice(commandsSorted, func(i, j int) bool { return commandsSorted[i].name < commandsSorted[j].name })
}

// keyRows takes over the table of the key commands.
func keyRows() []*row {
	var rows []*row
	for _, known := range redissyntax.Commands() {
		group := "generic"
		if known.Flags&redissyntax.String != 0 {
			group = "string"
		}
		rows = append(rows, &row{
			name: known.Name, arity: known.Arity, group: group, summary: known.Summary,
			flags: strings.Join(known.Flags.Names(), " "), categories: strings.Join(known.Flags.Categories(), " "),
			firstKey: known.FirstKey, lastKey: known.LastKey, keyStep: known.Step,
			parse: func(_ *connection, database uint8, argv [][]byte) (command.Op, command.Reply, bool) {
				return known.Parse(database, argv)
			},
		})
	}
	return rows
}

// longestName bounds the names that are looked up, so that a lookup needs no memory.
const longestName = 32

func findByName(name []byte) *row {
	var buffer [longestName]byte
	if len(name) > len(buffer) {
		return nil
	}
	return commandsByName[string(lowerInto(buffer[:], name))]
}

func lowerInto(buffer, text []byte) []byte {
	for i, b := range text {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		buffer[i] = b
	}
	return buffer[:len(text)]
}

// find finds the row of a request, or the answer that refuses it: an unknown command or subcommand, or a wrong number of arguments.
func find(argv [][]byte) (*row, command.Reply) {
	r := findByName(argv[0])
	if r == nil {
		return nil, redissyntax.UnknownCommand(argv)
	}
	if r.children != nil && len(argv) > 1 {
		child := r.child(argv[1])
		if child == nil {
			return nil, errorf("unknown subcommand '%.128s'. Try %s HELP.", argv[1], strings.ToUpper(r.name))
		}
		r = child
	}
	if !r.fits(len(argv)) {
		return nil, redissyntax.WrongArity(r.fullName())
	}
	return r, command.Reply{}
}

func (r *row) child(name []byte) *row {
	for _, child := range r.children {
		if strings.EqualFold(child.name, string(name)) {
			return child
		}
	}
	return nil
}

func (r *row) fits(count int) bool {
	if r.children != nil {
		return count > 1 || r.handle != nil
	}
	if r.arity >= 0 {
		return count == r.arity
	}
	return count >= -r.arity
}

// fullName is the name as errors and COMMAND show it, for example "client|list".
func (r *row) fullName() string {
	if r.parent != nil {
		return r.parent.name + "|" + r.name
	}
	return r.name
}

// keysOf lists the keys among the arguments of a request that fits the row.
func (r *row) keysOf(argv [][]byte) ([][]byte, error) {
	if r.keys != nil {
		return r.keys(argv)
	}
	last := r.lastKey
	if last < 0 {
		last += len(argv)
	}
	var keys [][]byte
	if r.firstKey > 0 {
		for i := r.firstKey; i <= last && i < len(argv); i += r.keyStep {
			keys = append(keys, argv[i])
		}
	}
	return keys, nil
}

// errorf words a plain error.
func errorf(format string, arguments ...any) command.Reply {
	return command.Errorf(command.CodeGeneric, format, arguments...)
}
