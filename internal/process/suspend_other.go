//go:build !linux

package process

import (
	"os/exec"
	"strconv"
	"strings"
)

// standsStill reports whether a process is stopped, as ps sees it.
func standsStill(pid int) bool {
	state, err := exec.Command("ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(state)), "T")
}
