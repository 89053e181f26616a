//go:build unix

package datadir

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// RestrictUmask lets this process make files that only its owner can read. Call it once, before anything is opened.
func RestrictUmask() { unix.Umask(0o077) }

// lockDirectory takes the lock of a directory or says that another process has it. The lock ends with the process.
func lockDirectory(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errors.New("another process uses it; stop that one, or give this node a directory of its own")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// checkFree refuses a file system without room.
func checkFree(path string) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return err
	}
	return enoughFree(uint64(stat.Bavail) * uint64(stat.Bsize))
}

// enoughFree judges a number of free bytes.
func enoughFree(free uint64) error {
	if free < leastFreeBytes {
		return fmt.Errorf("only %d KiB are free and %d are needed to start: %w", free>>10, leastFreeBytes>>10, unix.ENOSPC)
	}
	return nil
}
