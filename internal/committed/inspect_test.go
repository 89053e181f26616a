package committed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatTheProgramComplainsAboutIsInTheError(t *testing.T) {
	program := filepath.Join(t.TempDir(), "coordd")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"coordd: $3 is not a data directory\" >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Inspect(t.Context(), program, "/nowhere")
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "/nowhere is not a data directory") {
		t.Errorf("it failed with %v, want the exit code and what it said", err)
	}
}
