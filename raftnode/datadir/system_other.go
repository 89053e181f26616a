//go:build !unix

package datadir

import "os"

// RestrictUmask does nothing on systems without a umask.
func RestrictUmask() {}

// lockDirectory holds a file open; where there is no flock, the log store's own lock keeps a second process out.
func lockDirectory(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// checkFree cannot tell here.
func checkFree(string) error { return nil }
