package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

var completionCommand = options.Command{
	Name:    "completion",
	Summary: "write the completion script of a shell",
	Usage:   []string{"bash|zsh|fish"},
	Details: `The script completes subcommands, flags and their choices, and the names of locks and of pools and their workers, for which it asks the cluster that
COORDD_ENDPOINTS names - for half a second at most.`,
	Examples: []options.Example{
		{Line: `source <(coordd completion bash)`, Says: "in ~/.bashrc"},
		{Line: `source <(coordd completion zsh)`, Says: "in ~/.zshrc, after compinit"},
		{Line: `coordd completion fish | source`, Says: "in ~/.config/fish/config.fish"},
	},
}

// completeCommand is the subcommand that the scripts call with the words that were typed, the last of them unfinished. It writes a line for each word that may stand
// there.
const completeCommand = "complete-words"

// completionScripts ask for candidates in the way of each shell. Where there are none they leave it to the shell, which knows files and commands.
var completionScripts = map[string]string{
	// bash splits words at colons, which names of locks often have: the words are split anew, and candidates begin after the last colon that was typed.
	"bash": `_coordd() {
	local line=${COMP_LINE:0:COMP_POINT} candidate last
	local -a words
	IFS=$' \t' read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	last=${words[${#words[@]}-1]}
	COMPREPLY=()
	while IFS= read -r candidate; do
		COMPREPLY+=("${candidate#"${last%"${last##*:}"}"}")
	done < <(coordd ` + completeCommand + ` -- "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _coordd coordd
`,
	"zsh": `_coordd() {
	local -a candidates
	candidates=("${(@f)$(coordd ` + completeCommand + ` -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n "$candidates" ]]; then
		compadd -- $candidates
	else
		_default
	fi
}
compdef _coordd coordd
`,
	"fish": `function __coordd_candidates
	set -l words (commandline -opc) (commandline -ct)
	coordd ` + completeCommand + ` -- $words[2..-1] 2>/dev/null
end
complete -c coordd -f -n 'test -n "(__coordd_candidates)"' -a '(__coordd_candidates)'
`,
}

func runCompletion(_ context.Context, around *surroundings, arguments []string) error {
	set := options.New(completionCommand)
	words, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	shells := []string{"bash", "zsh", "fish"}
	if len(words) != 1 {
		return options.Usagef("say for which shell: coordd completion %s", strings.Join(shells, "|"))
	}
	script, known := completionScripts[words[0]]
	if !known {
		return unknownWord("completion for", words[0], shells, "coordd completion --help")
	}
	_, err = fmt.Fprint(around.stdout, script)
	return err
}

// runComplete writes the candidates for the last word.
func runComplete(ctx context.Context, around *surroundings, arguments []string) error {
	if len(arguments) > 0 && arguments[0] == "--" {
		arguments = arguments[1:]
	}
	if len(arguments) == 0 {
		arguments = []string{""}
	}
	for _, candidate := range candidates(ctx, around, arguments) {
		if strings.HasPrefix(candidate, arguments[len(arguments)-1]) {
			if _, err := fmt.Fprintln(around.stdout, candidate); err != nil {
				return err
			}
		}
	}
	return nil
}

// actions are the words that some subcommands take first.
var actions = map[string][]string{
	"members":    {"add", "remove"},
	"sessions":   {"list", "info", "kill"},
	"pool":       poolActions,
	"elect":      {"campaign", "observe", "resign", "transfer"},
	"inspect":    {"log", "snapshot"},
	"completion": {"bash", "zsh", "fish"},
}

// namesLocks are the subcommands that take names of locks.
var namesLocks = []string{"lock", "lock-info", "locks", "history", "check", "watch", "force-unlock", "elect"}

// candidates are the words that may stand where the last of these stands.
func candidates(ctx context.Context, around *surroundings, words []string) (found []string) {
	last, before := words[len(words)-1], words[:len(words)-1]
	if len(before) == 0 {
		for _, c := range commands {
			found = append(found, c.name)
		}
		return append(found, "help")
	}
	set := flagsOf(ctx, before[0])
	if set == nil || slices.Contains(before, "--") {
		return nil
	}
	if choices, isValue := choicesOf(set, before[len(before)-1]); isValue {
		return choices
	}
	if strings.HasPrefix(last, "-") {
		set.VisitAll(func(f *flag.Flag) { found = append(found, "--"+f.Name) })
		return append(found, "--help")
	}
	if len(before) == 1 {
		found = append(found, actions[before[0]]...)
	}
	switch {
	case slices.Contains(namesLocks, before[0]):
		found = append(found, lockNames(ctx, around, last)...)
	case before[0] == "pool" && len(before) > 1:
		found = append(found, poolNames(ctx, around, before[1:])...)
	}
	return found
}

// flagsOf lets a subcommand declare its flags, and no more.
func flagsOf(ctx context.Context, name string) (declared *options.Set) {
	for _, c := range commands {
		if c.name == name {
			around := &surroundings{getenv: func(string) string { return "" }, declared: func(set *options.Set) { declared = set }}
			_ = c.run(ctx, around, nil) // parse ends it
		}
	}
	return declared
}

// choicesOf are the values of a flag that waits for one. isValue tells that the flag before does; then nothing else can stand here.
func choicesOf(set *options.Set, word string) (choices []string, isValue bool) {
	if !strings.HasPrefix(word, "-") {
		return nil, false
	}
	declared := set.Lookup(strings.TrimLeft(word, "-"))
	if declared == nil {
		return nil, false
	}
	if choice, ok := declared.Value.(*options.Choice); ok {
		return choice.Of, true
	}
	boolean, ok := declared.Value.(interface{ IsBoolFlag() bool })
	return nil, !ok || !boolean.IsBoolFlag()
}

// The bounds of asking the cluster: nobody waits longer for a key to have an effect, or reads more.
const (
	completionTimeout = 500 * time.Millisecond
	completionCount   = 100
)

// lockNames asks for the names that begin with what was typed.
func lockNames(ctx context.Context, around *surroundings, prefix string) (names []string) {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	q := newQuery(around, completionCommand)
	if _, err := q.Parse(nil, around.getenv); err != nil {
		return nil
	}
	glob := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(prefix) + "*"
	_ = q.ask(ctx, func(cluster *client.Client) error { // no names are no failure
		page, err := cluster.LocksPage(ctx, client.ListOptions{Match: glob, Count: completionCount})
		for _, info := range page.Locks {
			if printable(info.Name) == info.Name {
				names = append(names, info.Name)
			}
		}
		return err
	})
	return names
}

// poolNames asks for the names of pools, or of the workers of one, that may follow these words of coordd pool.
func poolNames(ctx context.Context, around *surroundings, before []string) (names []string) {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	r := &poolRequest{query: newQuery(around, completionCommand)}
	operands := r.actions()[before[0]].operands
	if len(before) > len(operands) {
		return nil
	}
	wanted := operands[len(before)-1]
	if _, err := r.Parse(nil, around.getenv); err != nil || wanted != "POOL" && wanted != "WORKER" {
		return nil
	}
	conn, err := r.where.dial(ctx)
	if err != nil {
		return nil
	}
	defer conn.Close()
	r.conn = conn
	if names, err = r.namesFor(ctx, wanted, before); err != nil {
		return nil // no names are no failure
	}
	return slices.DeleteFunc(names, func(name string) bool { return printable(name) != name })
}
