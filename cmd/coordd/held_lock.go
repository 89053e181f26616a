package main

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/underlock"
)

// heldLock is a lock of the cluster as package underlock wants it, with the session and the connections that only it uses.
type heldLock struct {
	held    *client.Held
	session *client.Session
	cluster *client.Client
	certain atomic.Int64 // until when the lock was known to be held, on the boot clock
}

func (l *heldLock) hold(held *client.Held) {
	l.held = held
	l.Left()
}

// Left implements underlock.Lock. After a loss that the cluster told, nobody else is granted the lock before the deadline that was known then, unless the operator
// wanted it so.
func (l *heldLock) Left() time.Duration {
	now := underlock.BootClock()
	if remaining := l.held.Remaining(); remaining > 0 {
		l.certain.Store(int64(now + remaining))
		return remaining
	}
	lost, ok := errors.AsType[*client.LostError](context.Cause(l.held.Context()))
	if !ok || !lost.Reserved {
		return 0
	}
	return max(0, time.Duration(l.certain.Load())-now)
}

// Lost implements underlock.Lock.
func (l *heldLock) Lost() context.Context { return l.held.Context() }

// Release implements underlock.Lock.
func (l *heldLock) Release(ctx context.Context) error {
	return errors.Join(l.held.Release(ctx), l.session.Close(ctx), l.cluster.Close())
}

// abandonTimeout bounds how long the session's end may be waited for when it holds nothing.
const abandonTimeout = 2 * time.Second

// abandon ends a session that got nothing. One that cannot be ended ends by itself.
func (l *heldLock) abandon() error {
	ctx, cancel := context.WithTimeout(context.Background(), abandonTimeout)
	defer cancel()
	_ = l.session.Close(ctx)
	return l.cluster.Close()
}

// The variables that the command finds.
const (
	variableToken    = "COORDD_FENCING_TOKEN"
	variableName     = "COORDD_LOCK_NAME"
	variableNames    = "COORDD_LOCK_NAMES"
	variableHold     = "COORDD_LOCK_HOLD"
	variableDeadline = "COORDD_LOCK_DEADLINE_MS"
)

// environment is a command's environment under this lock: what a lock around it has set is replaced.
func (l *heldLock) environment(outer []string) []string {
	inner := slices.DeleteFunc(slices.Clone(outer), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{variableToken, variableName, variableNames, variableHold, variableDeadline}, name)
	})
	deadline := underlock.BootClock() + l.held.Remaining()
	return append(inner,
		variableToken+"="+tokenText(l.held.Token()),
		variableName+"="+l.held.Name(),
		variableNames+"="+strings.Join(l.held.Names(), "\n"),
		variableHold+"="+l.held.ID(),
		variableDeadline+"="+strconv.FormatInt(deadline.Milliseconds(), 10),
	)
}

// permits is the value of --permits: so many of so many.
type permits struct{ count, limit int }

// maxPermits is the most that a semaphore can have.
const maxPermits = 65535

// String implements flag.Value.
func (p *permits) String() string {
	if p == nil || p.limit == 0 {
		return ""
	}
	return strconv.Itoa(p.count) + "/" + strconv.Itoa(p.limit)
}

// Set implements flag.Value.
func (p *permits) Set(text string) error {
	count, limit, ok := strings.Cut(text, "/")
	n, badCount := strconv.Atoi(count)
	m, badLimit := strconv.Atoi(limit)
	if !ok || badCount != nil || badLimit != nil {
		return errors.New("this is not of the form N/M, such as 1/4 for one of four permits")
	}
	if m < 1 || m > maxPermits || n < 1 || n > m {
		return errors.New("of M permits, 1 to 65535, one can take 1 to M")
	}
	p.count, p.limit = n, m
	return nil
}

// Kind is the placeholder in help.
func (p *permits) Kind() string { return "N/M" }
