package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrClosed is what Start answers once the group was closed.
var ErrClosed = errors.New("the process group is closed; nothing more is started in it")

// Spec says what to start.
type Spec struct {
	// Name names the process in messages and names its log file.
	Name string
	// Path and Args are the program and its arguments, without argv[0].
	Path string
	Args []string
	// Dir is the working directory; empty is the parent's.
	Dir string
	// Env is added to the parent's environment, "KEY=value" each.
	Env []string
	// Stdin, when it is not nil, becomes standard input.
	Stdin io.Reader
	// Stdout takes standard output. When nil, standard output goes to the log
	// file together with standard error.
	Stdout io.Writer
}

// Group starts processes and ends them together.
type Group struct {
	logDir string

	mu       sync.Mutex
	closed   bool
	children map[*Process]struct{}
}

// NewGroup returns a group whose processes write their logs below logDir,
// which must exist.
func NewGroup(logDir string) *Group {
	return &Group{logDir: logDir, children: make(map[*Process]struct{})}
}

// Start starts the process. Its log is appended to, so that a process which is
// started again under its name keeps one log.
func (g *Group) Start(spec Spec) (*Process, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	logPath := filepath.Join(g.logDir, spec.Name+".log")
	logFile, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", spec.Name, err)
	}
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Dir = spec.Dir
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Stdin = spec.Stdin
	cmd.Stderr = logFile
	cmd.Stdout = spec.Stdout
	if spec.Stdout == nil {
		cmd.Stdout = logFile
	}
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		logFile.Close()
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	p := &Process{Name: spec.Name, LogPath: logPath, cmd: cmd, exited: make(chan struct{})}
	g.children[p] = struct{}{}
	go func() {
		p.waitErr = cmd.Wait()
		logFile.Close()
		g.mu.Lock()
		delete(g.children, p)
		g.mu.Unlock()
		close(p.exited)
	}()
	return p, nil
}

// Close ends every process that still runs: SIGTERM first, SIGKILL to those
// that are still there after the grace time. It returns when all are gone.
func (g *Group) Close(grace time.Duration) {
	g.mu.Lock()
	g.closed = true
	running := make([]*Process, 0, len(g.children))
	for p := range g.children {
		running = append(running, p)
	}
	g.mu.Unlock()

	var wait sync.WaitGroup
	for _, p := range running {
		wait.Go(func() { p.Stop(grace) })
	}
	wait.Wait()
}

// Process is one running child.
type Process struct {
	Name    string
	LogPath string

	cmd     *exec.Cmd
	exited  chan struct{}
	waitErr error
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process is gone and its output was read.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Running says whether the process is still there.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Kill sends SIGKILL and waits until the process is gone.
func (p *Process) Kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.exited
}

// Stop sends SIGTERM, waits for at most the grace time, and kills what is left.
func (p *Process) Stop(grace time.Duration) {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(grace):
		p.Kill()
	}
}

// Wait waits for the end of the process and returns how it ended, with the
// last lines of its log when it failed.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
	case <-ctx.Done():
		return fmt.Errorf("%s still runs: %w", p.Name, context.Cause(ctx))
	}
	if p.waitErr != nil {
		return fmt.Errorf("%s ended with %w; the end of its log (%s):\n%s", p.Name, p.waitErr, p.LogPath, p.LogTail(12))
	}
	return nil
}

// LogTail returns the last lines of the log, indented for a message.
func (p *Process) LogTail(lines int) string {
	content, err := os.ReadFile(p.LogPath)
	if err != nil {
		return "    (no log: " + err.Error() + ")"
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return "    " + strings.Join(all, "\n    ")
}
