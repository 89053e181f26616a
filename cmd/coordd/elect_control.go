package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

// control is the Unix socket over which a campaigning process is told to hand over. A nil value is none.
type control struct{ listener net.Listener }

// listenForControl makes the socket, for this user alone. One that a process left behind is replaced.
func listenForControl(path string) (*control, error) {
	if path == "" {
		return nil, nil
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, failWith(exitCannotMake, fmt.Errorf("--control %s: another process listens there", path))
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		_ = os.Remove(path) // nobody listens; if it cannot be removed listening fails with the reason
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, failWith(exitCannotMake, fmt.Errorf("--control: %w", err))
	}
	const ownerOnly = 0o600
	if err := os.Chmod(path, ownerOnly); err != nil {
		return nil, errors.Join(failWith(exitCannotMake, err), listener.Close())
	}
	return &control{listener}, nil
}

func (c *control) close() error {
	if c == nil {
		return nil
	}
	return c.listener.Close() // removes the socket
}

// leading is a leadership as package underlock wants it. It ends as if it was lost when somebody asks it to hand over: the command is ended first, and what was
// asked for is done when the leadership is released.
type leading struct {
	*heldLock
	leadership *client.Leadership
	election   *client.Election
	control    *control
	ctx        context.Context
	end        context.CancelCauseFunc
	wishes     chan wish
}

// wish is what somebody asked for, and where to answer.
type wish struct {
	candidate string // empty: whoever is next
	done      chan error
}

// errHandedOver is why a leadership ends that somebody asked to hand over.
var errHandedOver = errors.New("the leadership is handed over")

func lead(lock *heldLock, leadership *client.Leadership, election *client.Election, control *control) *leading {
	l := &leading{heldLock: lock, leadership: leadership, election: election, control: control, wishes: make(chan wish, 1)}
	l.ctx, l.end = context.WithCancelCause(lock.Lost())
	if control != nil {
		go l.serve()
	}
	return l
}

// Lost implements underlock.Lock.
func (l *leading) Lost() context.Context { return l.ctx }

// Release implements underlock.Lock: it resigns, or hands over to whom somebody wished.
func (l *leading) Release(ctx context.Context) error {
	closed := l.control.close()
	var handed error
	select {
	case wish := <-l.wishes:
		if wish.candidate != "" {
			handed = l.leadership.Transfer(ctx, wish.candidate)
		} else {
			handed = l.leadership.Resign(ctx)
		}
		wish.done <- handed
	default:
	}
	return errors.Join(handed, l.heldLock.Release(ctx), closed)
}

// serve answers one connection after another.
func (l *leading) serve() {
	for {
		conn, err := l.control.listener.Accept()
		if err != nil {
			return // closed
		}
		l.answer(conn)
	}
}

// controlTimeout bounds how long a hand-over may take: the command's end, and the cluster's answer.
const controlTimeout = time.Minute

// answer carries out "resign" or "transfer CANDIDATE" and answers "ok", or a sentence.
func (l *leading) answer(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(controlTimeout))
	const longest = 1024
	line, err := bufio.NewReader(io.LimitReader(conn, longest)).ReadString('\n')
	if err != nil {
		return // it has gone, or says too much
	}
	reply := "ok"
	if err := l.grant(strings.TrimSuffix(line, "\n")); err != nil {
		reply = err.Error()
	}
	_, _ = fmt.Fprintln(conn, reply) // it may not have waited
}

func (l *leading) grant(line string) error {
	verb, candidate, _ := strings.Cut(line, " ")
	if verb == "transfer" {
		if err := l.waits(candidate); err != nil {
			return err
		}
	}
	asked := wish{candidate, make(chan error, 1)}
	select {
	case l.wishes <- asked:
	default:
		return errors.New("it is being handed over already")
	}
	l.end(errHandedOver)
	select {
	case err := <-asked.done:
		return err
	case <-time.After(controlTimeout):
		return errors.New("the command has not ended yet; the leadership is handed over when it has")
	}
}

// waits fails unless a candidate of that name waits to lead, so that the command is not ended for nobody.
func (l *leading) waits(candidate string) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	waiting, err := l.election.Candidates(ctx)
	if err != nil {
		return err
	}
	for _, one := range waiting {
		if one.Owner == candidate || one.ID == candidate {
			return nil
		}
	}
	return fmt.Errorf("no candidate %q waits to lead", candidate)
}

// tellCandidate tells the process behind a control socket to hand over.
func (r *electRequest) tellCandidate(ctx context.Context, action string) error {
	switch {
	case r.control.Value == "":
		return options.Usagef("say with --control which process is to %s: the socket that it was started with", action)
	case action == "transfer" && r.to.Value == "":
		return options.Usagef("say with --to who is to lead; coordd lock-info shows who waits")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", r.control.Value)
	if err != nil {
		return failWith(exitUnreachable, fmt.Errorf("nobody leads behind --control %s: %w", r.control.Value, err))
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(controlTimeout + answerTimeout))
	if _, err := fmt.Fprintln(conn, strings.TrimSpace(action+" "+r.to.Value)); err != nil {
		return err
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	switch reply = strings.TrimSuffix(reply, "\n"); {
	case err != nil:
		return fmt.Errorf("the process behind --control %s went away before it answered: %w", r.control.Value, err)
	case reply != "ok":
		return errors.New(reply)
	}
	_, err = fmt.Fprintln(r.around.stdout, "the leadership was handed over")
	return err
}
