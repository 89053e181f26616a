package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// inNamespace lets this program make a run in a new network namespace. When the context ends it is told to stop; when this process dies the kernel ends it.
func inNamespace(ctx context.Context, program string, input []byte, say io.Writer) error {
	command := exec.CommandContext(ctx, program, withinWord)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(input), say, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGINT) }
	command.WaitDelay = withinPatience
	if err := command.Run(); err != nil {
		return fmt.Errorf("the run in network namespaces: %w", err)
	}
	return nil
}
