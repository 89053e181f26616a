package committed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Inspect reads the log of a stopped node through `coordd inspect log`. The
// data directory is only read.
func Inspect(ctx context.Context, binary, dataDir string) ([]Entry, error) {
	command := exec.CommandContext(ctx, binary, "inspect", "log", dataDir, "--json")
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	entries, err := Read(output)
	if err != nil {
		command.Process.Kill()
		command.Wait()
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	if err := command.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return entries, nil
}
