package differential

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/test/compat/resp"
)

// Markers in an argument that are filled in when a sequence is run.
const (
	// keyPrefix stands for the prefix of all names of one run.
	keyPrefix = "{p}"
	// shaMark begins an argument that is the SHA1 of the script after it.
	shaMark = "{sha}"
	// nowSeconds and nowMilliseconds begin an argument that is the Unix time
	// of the run plus the number after it.
	nowSeconds      = "{s}"
	nowMilliseconds = "{ms}"
)

// Command is one command and how its reply is compared.
type Command struct {
	Args []string
	Mask Mask
	// Wire, when it is not empty, is sent as it is in place of Args: inline
	// commands and broken requests. Replies is then how many replies follow.
	Wire    string
	Replies int
}

// Step is a pipeline on one connection: all commands are written at once, then
// all replies are read.
type Step struct {
	Conn     int
	Pause    time.Duration
	Commands []Command
}

// Sequence is what is sent to both servers.
type Sequence struct {
	Seed, Number uint64
	Steps        []Step
}

// Size is the number of commands.
func (s Sequence) Size() int {
	size := 0
	for _, step := range s.Steps {
		size += len(step.Commands)
	}
	return size
}

// rendering fills in the markers of one run, alike for both servers.
type rendering struct {
	prefix string
	now    time.Time
}

func (r rendering) argument(text string) string {
	if script, found := strings.CutPrefix(text, shaMark); found {
		digest := sha1.Sum([]byte(r.argument(script)))
		return hex.EncodeToString(digest[:])
	}
	if offset, found := strings.CutPrefix(text, nowSeconds); found {
		return r.instant(offset, r.now.Unix())
	}
	if offset, found := strings.CutPrefix(text, nowMilliseconds); found {
		return r.instant(offset, r.now.UnixMilli())
	}
	return strings.ReplaceAll(text, keyPrefix, r.prefix)
}

func (r rendering) instant(offset string, base int64) string {
	number, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		panic("a marker of time without a number: " + offset)
	}
	return strconv.FormatInt(base+number, 10)
}

func (r rendering) bytes(command Command) []byte {
	if command.Wire != "" {
		return []byte(strings.ReplaceAll(command.Wire, keyPrefix, r.prefix))
	}
	args := make([]string, len(command.Args))
	for i, arg := range command.Args {
		args[i] = r.argument(arg)
	}
	return resp.Command(args...)
}

// replies is how many replies the command has.
func (c Command) replies() int {
	if c.Wire != "" {
		return c.Replies
	}
	return 1
}

// name is the command's name in capitals, for reports.
func (c Command) name() string {
	if c.Wire != "" {
		return "(raw bytes)"
	}
	return strings.ToUpper(c.Args[0])
}

// String shows the command as one would type it.
func (c Command) String() string {
	if c.Wire != "" {
		return "raw bytes " + strconv.Quote(c.Wire)
	}
	words := make([]string, len(c.Args))
	for i, arg := range c.Args {
		words[i] = arg
		if arg == "" || strings.ContainsFunc(arg, func(r rune) bool { return r <= ' ' || r == '"' || r == '\'' || r > '~' }) {
			words[i] = strconv.Quote(arg)
		}
	}
	return strings.Join(words, " ")
}

// String shows the sequence, one line a step.
func (s Sequence) String() string {
	var text strings.Builder
	for _, step := range s.Steps {
		if step.Pause > 0 {
			fmt.Fprintf(&text, "    (pause %v)\n", step.Pause)
		}
		fmt.Fprintf(&text, "    connection %d:", step.Conn)
		for _, command := range step.Commands {
			fmt.Fprintf(&text, "  %s ;", command)
		}
		text.WriteString("\n")
	}
	return text.String()
}
