package wallclock

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

//go:embed preload/wallclock.c
var source []byte

// ErrCannot is returned where no wall clock can be set: on another system than Linux, and without a C compiler.
var ErrCannot = errors.New("the wall clock of a single process cannot be set here")

// Build compiles the library into the folder and returns its path.
func Build(ctx context.Context, folder string) (library string, err error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("%w: it needs Linux", ErrCannot)
	}
	compiler, err := exec.LookPath("cc")
	if err != nil {
		return "", fmt.Errorf("%w: it needs a C compiler (Debian: apt-get install gcc)", ErrCannot)
	}
	text := filepath.Join(folder, "wallclock.c")
	if err := os.WriteFile(text, source, 0o644); err != nil {
		return "", err
	}
	library = filepath.Join(folder, "wallclock.so")
	if output, err := exec.CommandContext(ctx, compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, text).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the library that sets a wall clock: %w\n%s", err, output)
	}
	return library, nil
}

// Clock is the wall clock of a process, and of the processes that take its place.
type Clock struct{ library, path string }

// New makes a clock that goes right. Its file lies at the path.
func New(library, path string) (*Clock, error) {
	c := &Clock{library, path}
	return c, c.Set(0)
}

// Environment is what a process that is to have the clock needs in its environment.
func (c *Clock) Environment() []string {
	return []string{"LD_PRELOAD=" + c.library, "WALLCLOCK_AHEAD=" + c.path}
}

// Set says by how much the clock is ahead of the machine's, from now on.
func (c *Clock) Set(ahead time.Duration) error {
	file, err := os.OpenFile(c.path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(binary.NativeEndian.AppendUint64(nil, uint64(ahead.Nanoseconds()))) // eight bytes in one word: nobody sees half of them
	return errors.Join(err, file.Close())
}
