package underlock

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptOrphans lets processes whose parent ends become children of this process, instead of the init process' where they could not be found.
func adoptOrphans() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// commandAttributes puts the command into a process group of its own, and lets the kernel kill it when the thread that started it ends.
func commandAttributes(dieWithParent bool) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if dieWithParent {
		attributes.Pdeathsig = syscall.SIGKILL
	}
	return attributes
}

// process is what /proc/PID/stat tells.
type process struct {
	member
	parent  int
	session int
	ended   bool
}

// members lists the family's live processes.
func (f family) members() ([]member, error) {
	processes, err := listProcesses()
	if err != nil {
		return nil, err
	}
	descends := f.descent(processes)
	session := processes[f.root].session
	var members []member
	for pid, one := range processes {
		related := one.group == f.group && f.group != 0 || descends(pid) && one.session == session
		if related && !one.ended && pid != f.root && pid != f.keeper {
			members = append(members, one.member)
		}
	}
	slices.SortFunc(members, func(a, b member) int { return a.pid - b.pid })
	return members, nil
}

// descent answers whether a process descends from the root.
func (f family) descent(processes map[int]process) func(pid int) bool {
	known := map[int]bool{f.root: true, 0: false, 1: f.root == 1}
	var descends func(pid int) bool
	descends = func(pid int) bool {
		answer, found := known[pid]
		if !found {
			known[pid] = false // a reading that caught a number being given anew could hold a ring
			answer = descends(processes[pid].parent)
			known[pid] = answer
		}
		return answer
	}
	return descends
}

func listProcesses() (map[int]process, error) {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	processes := make(map[int]process, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if one, err := readProcess(pid); err == nil {
				processes[pid] = one
			} // else it has ended since
		}
	}
	if len(processes) == 0 {
		return nil, errors.New("/proc tells of no process")
	}
	return processes, nil
}

var errOddStat = errors.New("/proc/PID/stat is not of the known form")

func readProcess(pid int) (process, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	// The second field is the program's name in parentheses; it may hold blanks and parentheses itself, so the rest is what follows the last one.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return process{}, errOddStat
	}
	var numbers [4]uint64
	for i, at := range []int{1, 2, 3, 19} { // parent, group, session, start
		if numbers[i], err = strconv.ParseUint(string(fields[at]), 10, 64); err != nil {
			return process{}, errOddStat
		}
	}
	state := fields[0][0]
	return process{
		member:  member{pid: pid, group: int(numbers[1]), birth: numbers[3]},
		parent:  int(numbers[0]),
		session: int(numbers[2]),
		ended:   state == 'Z' || state == 'X',
	}, nil
}

// signal sends a signal to this process and to no other that may have its number by now.
func (m member) signal(signal syscall.Signal) error {
	handle, err := unix.PidfdOpen(m.pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil { // a kernel or a sandbox without handles on processes; the number was read a moment ago
		return ignoreGone(syscall.Kill(m.pid, signal))
	}
	defer unix.Close(handle)
	if now, err := readProcess(m.pid); err != nil || now.birth != m.birth {
		return nil
	}
	return ignoreGone(unix.PidfdSendSignal(handle, signal, nil, 0))
}
