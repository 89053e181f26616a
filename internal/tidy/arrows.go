package tidy

import (
	"strconv"
	"strings"
)

// room is a part of the tree with the packages it may import. Folders are relative to the root; a room covers everything below it that has no
// room of its own.
type room struct {
	folder string
	ours   []string // rooms it may import, each with everything below
	others []string // import path prefixes outside the standard library; nil: any
	reason string
}

// only is the list of foreign imports of a room that may have none.
var only = []string{}

// rooms is the table of the architecture. The longest folder that matches decides.
var rooms = []room{
	{"fsm", []string{"fsm", "ring"}, []string{"github.com/cespare/xxhash/v2"},
		"the machine is pure: whatever it needs reaches it as a field of a command"},
	{"ring", nil, []string{"github.com/cespare/xxhash/v2"},
		"placement is pure and knows nothing of what is placed"},
	{"transport", []string{"transport", "fsm"}, nil,
		"a door knows the node only through the interfaces of package transport, so that it can be tested without Raft"},
	{"transport/native", []string{"transport", "transport/resp/wire", "fsm"}, nil,
		"native commands are read in one place for every door, so that place knows none of them"},
	{"transport/resp/wire", nil, only,
		"the codec is shared with the client, which must stay small"},
	{"transport/httpapi", []string{"transport", "fsm/command", "transport/resp/wire"}, nil,
		"it reaches the Redis door as a client does, over a connection: by the codec, never by its code"},
	{"raftnode", []string{"raftnode", "fsm", "ring", "transport", "transport/peer", "internal/freeport"}, nil,
		"a node knows no door: the doors know it, through package transport"},
	{"client", []string{"client", "transport/resp/wire", "ring"}, []string{"golang.org/x/sys/unix"},
		"programs that link the client must not link a server"},
	{"client/guard", []string{"client", "transport/resp/wire"}, only,
		"a guard is linked into programs with drivers of their own, and brings none along"},
	{"client/clienttest", []string{"client", "raftnode", "transport", "transport/peer", "transport/resp", "fsm/command"}, nil,
		"it gives tests of other people's programs a whole cluster, and nothing else of the service"},
	{"client/workergossip", []string{"client", "raftnode/gossip"}, []string{"github.com/hashicorp/go-hclog"},
		"it gives a worker the nodes' gossip, and nothing else of a server; programs without it link neither"},
	{"cmd", []string{"cmd", "fsm", "ring", "transport", "raftnode", "client", "internal"}, nil,
		"cmd wires the rooms together"},
	{"test/jepsen-lite", []string{"test/jepsen-lite", "client", "transport/resp/wire", "internal/committed", "internal/forgery", "internal/freeport", "internal/plant", "internal/process"}, nil,
		"the harness sees coordd from outside, as users do: through its program, its ports and its client"},
	{"test/jepsen-lite/sim", []string{"test/jepsen-lite/sim", "raftnode", "fsm", "transport"}, nil,
		"a simulation plays nodes from inside, without doors and clients"},
	{"test/earlywarning", []string{"internal/localcluster", "internal/process"}, only,
		"it measures what an operator sees, through the program alone"},
	{"test/rules", []string{"test/rules", "internal/plant"}, only,
		"it changes sources and runs tests, through the go command alone"},
	{"test/poolmoves", []string{"client", "internal/localcluster", "internal/process"}, only,
		"it measures what workers see, through the program and the client alone"},
	{"internal", []string{"internal"}, nil,
		"what several rooms share must not depend on one of them"},
}

// doors are the packages below transport that face clients. A room that may import transport may not import these unless it lists them.
var doors = []string{"transport/resp", "transport/httpapi"}

// checkArrows fails for an import that points the wrong way. Tests of a package may import what they like: they do not end up in a program.
func checkArrows(tree *Tree) ([]Finding, error) {
	var findings []Finding
	for _, file := range tree.GoFiles() {
		place := roomOf(file.Dir())
		if file.IsTest() || file.Module != "." || place == nil {
			continue
		}
		for _, spec := range file.Syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, err
			}
			if !place.allows(file.Dir(), imported) {
				findings = append(findings, tree.at(spec.Pos(), "%s must not import %s: %s", file.Dir(), imported, place.reason))
			}
		}
	}
	return findings, nil
}

// roomOf finds the most particular room of a folder, nil when the folder is in none.
func roomOf(directory string) *room {
	var found *room
	for i := range rooms {
		if within(directory, rooms[i].folder) && (found == nil || len(rooms[i].folder) > len(found.folder)) {
			found = &rooms[i]
		}
	}
	return found
}

func (r *room) allows(from, imported string) bool {
	if folder, ours := strings.CutPrefix(imported, modulePath+"/"); ours {
		return r.allowsOurs(from, folder)
	}
	if r.others == nil || isStandardLibrary(imported) {
		return true
	}
	for _, prefix := range r.others {
		if within(imported, prefix) {
			return true
		}
	}
	return false
}

func (r *room) allowsOurs(from, folder string) bool {
	for _, allowed := range r.ours {
		if !within(folder, allowed) {
			continue
		}
		door := doorOf(folder)
		// Below a general permission a door stays closed, except to what belongs to the same door and to cmd, which wires all.
		if door == "" || doorOf(allowed) == door || doorOf(from) == door || r.folder == "cmd" {
			return true
		}
	}
	return false
}

func doorOf(folder string) string {
	for _, door := range doors {
		if within(folder, door) {
			return door
		}
	}
	return ""
}

// isStandardLibrary goes by the rule that the go command reserves import paths without a dot in their first element for the standard library.
func isStandardLibrary(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
