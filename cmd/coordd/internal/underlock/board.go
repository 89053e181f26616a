//go:build unix

package underlock

import (
	"math"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// board is one instant of the boot clock that the keeper writes and the front reads: when the front has to kill by itself. It is memory that both have, not a
// message, because the front may be stopped for any time and must know the newest as soon as it wakes.
type board struct {
	memory []byte
	word   *atomic.Int64
}

const boardBytes = 8

// never stands on the board while nothing has to be killed.
const never = time.Duration(math.MaxInt64)

// openBoard maps the board that a file holds.
func openBoard(file *os.File) (*board, error) {
	memory, err := unix.Mmap(int(file.Fd()), 0, boardBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	// Memory that was mapped begins at a page, so the word is aligned.
	return &board{memory, (*atomic.Int64)(unsafe.Pointer(&memory[0]))}, nil
}

func (b *board) write(strike time.Duration) { b.word.Store(int64(strike)) }

func (b *board) read() time.Duration { return time.Duration(b.word.Load()) }

func (b *board) close() { _ = unix.Munmap(b.memory) } // the process ends soon
