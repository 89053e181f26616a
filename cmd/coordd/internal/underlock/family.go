//go:build unix

package underlock

import (
	"errors"
	"syscall"
)

// family is what has to be gone before the lock can be another's: the command's process group and, where the system tells who descends from whom, the
// descendants of root in root's own terminal session. The latter finds what left the group without making a session, as the jobs of a shell with job
// control do, and as timeout(1) does.
type family struct {
	group  int // the process group, which has the number of the command's first process; 0 while it is not known
	root   int // whose descendants count; itself it does not
	keeper int // a descendant of root that does not count either; 0 when there is none
}

// member is one live process of the family.
type member struct {
	pid   int
	group int
	birth uint64 // when it was started, to tell it from a later process of the same number
}

// signal sends a signal to the whole group at once, so that nothing can slip through, and then to each member outside of it.
func (f family) signal(signal syscall.Signal) error {
	var err error
	if f.group != 0 {
		err = ignoreGone(syscall.Kill(-f.group, signal))
	}
	members, _ := f.members() // where they cannot be listed the group is the family
	for _, one := range members {
		if one.group != f.group {
			err = errors.Join(err, one.signal(signal))
		}
	}
	return err
}

// gone reports whether nothing of the family runs any more. A process that has ended and only waits for its parent to take note counts as gone.
func (f family) gone() bool {
	if members, err := f.members(); err == nil {
		return len(members) == 0
	}
	return f.group == 0 || errors.Is(syscall.Kill(-f.group, 0), syscall.ESRCH)
}

func ignoreGone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}
