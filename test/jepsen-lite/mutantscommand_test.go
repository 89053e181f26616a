package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The folder of a run that was made before stays, with its history, so another run of the same seed needs another.
func TestAHuntMayBeRepeatedInOneFolder(t *testing.T) {
	h := &hunt{out: t.TempDir()}
	seen := map[string]bool{}
	for range 3 {
		folder, err := h.folderOf("no-fsync", 1_000_001)
		if err != nil {
			t.Fatal(err)
		}
		if seen[folder] || filepath.Dir(folder) != h.out {
			t.Errorf("%s was given twice, or lies elsewhere than in %s", folder, h.out)
		}
		seen[folder] = true
		if err := os.WriteFile(filepath.Join(folder, "history.jsonl"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.out = filepath.Join(h.out, "gone")
	if folder, err := h.folderOf("no-fsync", 1_000_001); err == nil {
		t.Errorf("%s was given below a folder that is not there", folder)
	}
}
