package process

import (
	"fmt"
	"syscall"
	"time"
)

// suspendPatience bounds how long the threads of a process may take to stop; on a busy machine each needs its turn on a processor for that.
const suspendPatience = 10 * time.Second

// Suspend stops the process with SIGSTOP, and returns when it stands still. The signal alone says little: until every thread has had its turn on a processor some go on, and may begin
// what they are told next.
func (p *Process) Suspend() error {
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		return fmt.Errorf("%s cannot be stopped: %w", p.Name, err)
	}
	for begun := time.Now(); !standsStill(p.PID()); time.Sleep(time.Millisecond) {
		if time.Since(begun) > suspendPatience {
			return fmt.Errorf("%s has not stopped %v after SIGSTOP", p.Name, suspendPatience)
		}
	}
	return nil
}

// Resume lets a suspended process go on.
func (p *Process) Resume() error { return syscall.Kill(p.PID(), syscall.SIGCONT) }
