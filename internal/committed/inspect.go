package committed

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
)

// Inspect reads the log of a stopped node through `coordd inspect log`. The
// data directory is only read.
func Inspect(ctx context.Context, binary, dataDir string) ([]Entry, error) {
	command := exec.CommandContext(ctx, binary, "inspect", "log", dataDir, "--json")
	var complaint bytes.Buffer
	command.Stderr = &complaint
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
		return nil, fmt.Errorf("%s: %w: %s", command, err, bytes.TrimSpace(complaint.Bytes()))
	}
	return entries, nil
}
