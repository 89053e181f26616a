//go:build unix

package underlock

import (
	"bufio"
	"fmt"
	"os"
	"syscall"
)

// word is one line between front and keeper: a verb and a number.
type word struct {
	verb   string
	number int
}

// The verbs. The end of the link is the end of the process at its other end.
const (
	passSignal   = "signal"  // front: send this signal to the command
	toldGroup    = "group"   // keeper: the command runs in this process group
	toldStopped  = "stopped" // keeper: the command was stopped by this signal
	toldSignaled = "ended"   // keeper: the command was ended by this signal
)

// newLink makes the two ends of a link.
func newLink() (here, there *os.File, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	for _, end := range pair {
		syscall.CloseOnExec(end)
	}
	return os.NewFile(uintptr(pair[0]), "link"), os.NewFile(uintptr(pair[1]), "link"), nil
}

// listen tells the words that come, and closes the channel when the other end is gone.
func listen(link *os.File) <-chan word {
	words := make(chan word)
	go func() {
		defer close(words)
		for lines := bufio.NewScanner(link); lines.Scan(); {
			var one word
			if _, err := fmt.Sscanf(lines.Text(), "%s %d", &one.verb, &one.number); err == nil {
				words <- one
			}
		}
	}()
	return words
}

// say sends a word. Nobody may be there any more, which the listening end of the link tells.
func say(link *os.File, verb string, number int) { _, _ = fmt.Fprintf(link, "%s %d\n", verb, number) }
