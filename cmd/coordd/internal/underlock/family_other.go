//go:build unix && !linux

package underlock

import (
	"errors"
	"syscall"
)

// adoptOrphans does nothing: only Linux lets a process adopt orphans.
func adoptOrphans() error { return nil }

// commandAttributes puts the command into a process group of its own. Only Linux lets a process die with its parent.
func commandAttributes(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

var errNoList = errors.New("this system has no /proc that tells who descends from whom")

// members cannot be listed, so that only the process group counts.
func (f family) members() ([]member, error) { return nil, errNoList }

func (m member) signal(syscall.Signal) error { return nil }
