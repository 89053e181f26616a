package servers

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
)

// Missing is the reason why a server cannot be started on this machine.
type Missing struct{ Reason string }

func (m *Missing) Error() string { return m.Reason }

// account is the user as whom database servers run, since they refuse to run as root.
type account struct {
	uid, gid int
	setpriv  string // empty when this process is unprivileged itself
}

func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return account{}, &Missing{"running as root, and there is no user nobody to run databases as"}
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		return account{}, &Missing{"running as root without setpriv (Debian: apt-get install util-linux)"}
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, err := strconv.Atoi(nobody.Gid)
	return account{uid: uid, gid: gid, setpriv: setpriv}, err
}

// command is a command line that runs a program as the account. The process id stays that of the program, and the program dies with its parent: the kernel forgets that wish when
// a process changes its user, so setpriv makes it anew.
func (a account) command(path string, args ...string) (string, []string) {
	if a.setpriv == "" {
		return path, args
	}
	return a.setpriv, append([]string{"--reuid", strconv.Itoa(a.uid), "--regid", strconv.Itoa(a.gid), "--clear-groups", "--pdeathsig", "KILL", "--", path}, args...)
}

// folder makes a folder that belongs to the account. Those above it are opened for passing through.
func (a account) folder(parent, name string) (string, error) {
	path := filepath.Join(parent, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", err
	}
	if a.setpriv == "" {
		return path, nil
	}
	if err := os.Chmod(parent, 0o711); err != nil {
		return "", err
	}
	return path, os.Chown(path, a.uid, a.gid)
}

// run runs a program as the account to its end.
func (a account) run(folder, path string, args ...string) error {
	path, args = a.command(path, args...)
	command := exec.Command(path, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "HOME="+folder, "TMPDIR="+folder)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, output)
	}
	return nil
}
