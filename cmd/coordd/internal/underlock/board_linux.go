package underlock

import (
	"os"

	"golang.org/x/sys/unix"
)

// newBoardFile makes the memory of a board, which has no name in any folder.
func newBoardFile() (*os.File, error) {
	descriptor, err := unix.MemfdCreate("coordd-board", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(descriptor), "board")
	return file, file.Truncate(boardBytes)
}
