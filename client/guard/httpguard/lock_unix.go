//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package httpguard

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile keeps other processes away from the marks as long as the file is open.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the marks: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("another process uses the marks (%s): %w; several processes share marks with httpguard.SQL", path, err)
	}
	return file, nil
}
