//go:build unix

package underlock

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// change is a child that ended, stopped or went on.
type change struct {
	pid    int
	status syscall.WaitStatus
}

// program is what to start.
type program struct {
	path        string
	arguments   []string // with the program's name first
	environment []string
	attributes  *syscall.SysProcAttr
}

// start starts a child and tells every change of it and of the orphans that this process adopts, until there is none left. Their number is freed only when it was
// told, so nobody else may have it before.
//
// One thread starts the child and waits: Linux takes the end of the starting thread, not of the process, for the parent's death.
func start(what program) (pid int, changes <-chan change, err error) {
	type beginning struct {
		pid int
		err error
	}
	begun, told := make(chan beginning, 1), make(chan change, 16)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(told)
		pid, err := forkAsFound(what)
		begun <- beginning{pid, err}
		for err == nil {
			err = waitForChange(told)
		}
	}()
	first := <-begun
	return first.pid, told, first.err
}

// forkAsFound starts a child with the signals as this process found them: what was ignored when it was started stays ignored, as nohup and a shell's & want
// it, and nothing else is.
func forkAsFound(what program) (pid int, err error) {
	if len(ignoredAtStart) > 0 { // none would mean all
		signal.Ignore(ignoredAtStart...)
	}
	if !signalIn(syscall.SIGTTOU, ignoredAtStart) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTTOU) // what is caught here has its default in the child; Reset would leave it ignored
		defer signal.Ignore(syscall.SIGTTOU)
	}
	return syscall.ForkExec(what.path, what.arguments, &syscall.ProcAttr{
		Env: what.environment, Files: []uintptr{0, 1, 2}, Sys: what.attributes,
	})
}

// waitForChange waits for one change and tells it. It fails when there is no child left.
func waitForChange(told chan<- change) error {
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &status, syscall.WUNTRACED|syscall.WCONTINUED, nil)
	switch {
	case err == syscall.EINTR:
		return nil
	case err != nil:
		return err
	}
	told <- change{pid, status}
	return nil
}

// exitStatus is the exit code that a shell would show.
func exitStatus(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
