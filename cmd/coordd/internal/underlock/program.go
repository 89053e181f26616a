//go:build unix

package underlock

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ownProgram is the file of this program, in the version that runs: an upgrade may have put another one in its place.
func ownProgram() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// keepOnExec lets a descriptor stay open in the programs that this one starts.
func keepOnExec(descriptor int) error {
	_, err := unix.FcntlInt(uintptr(descriptor), unix.F_SETFD, 0)
	return os.NewSyscallError("fcntl", err)
}
