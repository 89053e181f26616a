//go:build unix

package underlock

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// passed are the signals that the front passes on to the command.
var passed = []os.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGTSTP, syscall.SIGWINCH, syscall.SIGUSR1, syscall.SIGUSR2,
}

// ignoredAtStart are those that were ignored when this process was started. It is read before main can ask for any of them.
var ignoredAtStart = slices.DeleteFunc(slices.Concat(passed, []os.Signal{syscall.SIGTTOU, syscall.SIGTTIN}), func(one os.Signal) bool { return !signal.Ignored(one) })

// heard are the signals to pass on that were not ignored.
func heard() []os.Signal {
	return slices.DeleteFunc(slices.Clone(passed), func(one os.Signal) bool { return signalIn(one, ignoredAtStart) })
}

func signalIn(one os.Signal, of []os.Signal) bool { return slices.Contains(of, one) }

// forGroup reports whether a signal is for the whole family. What asks to end or to stop is, as if it came from the terminal; what may mean anything, such as "read
// your configuration", is for the command alone.
func forGroup(one syscall.Signal) bool {
	return one != syscall.SIGUSR1 && one != syscall.SIGUSR2
}

// endsWaiting reports whether a signal ends the wait for the lock, before there is a command to send it to.
func endsWaiting(one syscall.Signal) bool {
	switch one {
	case syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM:
		return true
	}
	return false
}
