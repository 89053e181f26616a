//go:build unix

package underlock

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal, whose foreground group gets what is typed. The command begins in the background, and is lent the foreground when it
// touches the terminal: so `coordd lock … | less` leaves the keyboard to less. Without a terminal a nil value does nothing.
type terminal struct {
	file *os.File
	own  int // this process' group
	lent int // the group that has the foreground from us; 0: none
}

func openTerminal() *terminal {
	file, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil // a service or a cron job
	}
	return &terminal{file: file, own: syscall.Getpgrp()}
}

// ours reports whether this process' group has the foreground, so that it is ours to lend.
func (t *terminal) ours() bool {
	return t != nil && t.foreground() == t.own
}

func (t *terminal) foreground() int {
	group, err := unix.IoctlGetInt(int(t.file.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return 0
	}
	return group
}

// lend gives the foreground to a group. SIGTTOU must be ignored for this and for takeBack.
func (t *terminal) lend(group int) bool {
	if unix.IoctlSetPointerInt(int(t.file.Fd()), unix.TIOCSPGRP, group) != nil {
		return false
	}
	t.lent = group
	return true
}

// takeBack ends the loan, if there is one and the group still has the foreground. It reports whether there was one.
func (t *terminal) takeBack() bool {
	if t == nil || t.lent == 0 {
		return false
	}
	if t.foreground() == t.lent {
		_ = unix.IoctlSetPointerInt(int(t.file.Fd()), unix.TIOCSPGRP, t.own) // the shell takes it in any case
	}
	t.lent = 0
	return true
}
