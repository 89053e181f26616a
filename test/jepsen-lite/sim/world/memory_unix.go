//go:build unix

package world

import "syscall"

// mostMemory is what a play may take, which is many times what any needs that comes to an end. Nothing is collected while one runs, so one that does not would take all of the machine.
const mostMemory = 6 << 30

// limitMemory lets this process end when it takes more. It is for processes that play one seed.
func limitMemory() error {
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: mostMemory, Max: mostMemory})
}
