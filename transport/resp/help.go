package resp

import (
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// help answers HELP: all commands by group, or what one of them does.
func (c *connection) help(argv [][]byte) {
	if len(argv) > 1 {
		name := strings.ToLower(string(joinWords(argv[1:])))
		r := findFull([]byte(name))
		if r == nil {
			c.reply(errorf("there is no command '%.128s'; HELP lists all", name))
			return
		}
		c.reply(helpOf(r))
		return
	}
	groups := map[string][]string{}
	var order []string
	for _, r := range commandsSorted {
		if groups[r.group] == nil {
			order = append(order, r.group)
		}
		groups[r.group] = append(groups[r.group], strings.ToUpper(r.name))
	}
	lines := []command.Reply{command.Status("HELP command explains one command. Native locks stand in the groups session, lock, election and events.")}
	for _, group := range order {
		lines = append(lines, command.Status(group+": "+strings.Join(groups[group], " ")))
	}
	c.reply(command.Array(lines...))
}

// joinWords makes "client list" into "client|list".
func joinWords(words [][]byte) []byte {
	var joined []byte
	for i, word := range words {
		if i > 0 {
			joined = append(joined, '|')
		}
		joined = append(joined, word...)
	}
	return joined
}

// helpOf explains a command, or lists the subcommands of a container.
func helpOf(r *row) command.Reply {
	if len(r.children) == 0 {
		return command.Array(command.Status(usageOf(r)), command.Status("    "+r.summary))
	}
	lines := []command.Reply{command.Status(strings.ToUpper(r.name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")}
	for _, child := range r.children {
		lines = append(lines, command.Status(strings.TrimSpace(strings.ToUpper(child.name)+" "+child.usage)), command.Status("    "+child.summary))
	}
	return command.Array(lines...)
}

func usageOf(r *row) string {
	return strings.TrimSpace(strings.ToUpper(strings.ReplaceAll(r.fullName(), "|", " ")) + " " + r.usage)
}
