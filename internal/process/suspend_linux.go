package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// standsStill reports whether all threads of a process are stopped.
func standsStill(pid int) bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(stats) == 0 {
		return false
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		// The state follows the name, which stands in brackets and may contain any.
		if _, state, found := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" ")); !found || len(state) == 0 || state[0] != 'T' {
			return false
		}
	}
	return true
}
