//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package httpguard

import "os"

// lockFile opens the file; this system has no lock that would end with the process.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) }
