package process

import "syscall"

// childAttributes puts the child into a process group of its own, so that a
// Ctrl-C at the terminal reaches only the parent, which then ends its children
// in order; and asks the kernel to kill the child if the parent dies first.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
