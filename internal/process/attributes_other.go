//go:build !linux

package process

import "syscall"

// childAttributes puts the child into a process group of its own, so that a
// Ctrl-C at the terminal reaches only the parent, which then ends its children
// in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
