package stage

import (
	"os"
	"path/filepath"
	"testing"
)

// A process that ends before it reports is a violation, whatever its exit code.
func TestAProcessThatDoesNotReportIsNoPass(t *testing.T) {
	script := filepath.Join(t.TempDir(), "plays")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho 'panic: it fell over'\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	stage := &Stage{Binary: script, Folder: t.TempDir()}
	if r := stage.Play(t.Context(), 7, "", os.Stderr); r.Verdict() != "invalid" || r.Seed != 7 {
		t.Errorf("the verdict is %s: %+v", r.Verdict(), r)
	}
}
