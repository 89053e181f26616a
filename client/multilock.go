package client

import (
	"context"
	"errors"
	"strconv"
)

// MaxNames is how many names a multi-lock may have.
const MaxNames = 64

// MultiLock is a set of locks that are taken together: all or none, with one token, in one step of the cluster. It waits in all queues at once, so two sets that overlap
// cannot block each other. It is one hold: it is released, and lost, as a whole.
type MultiLock struct {
	session *Session
	names   []string
	options lockOptions
}

// MultiLock makes a handle for 1 to MaxNames different names; nothing is asked of the cluster yet.
func (s *Session) MultiLock(names []string, options ...LockOption) *MultiLock {
	return &MultiLock{session: s, names: append([]string{}, names...), options: ownOwner(optionsOf(options))}
}

// Lock takes all the locks and waits for them as [Session.Lock] does.
func (m *MultiLock) Lock(ctx context.Context) (*Held, error) {
	if len(m.names) == 0 {
		return nil, errNoNames
	}
	return m.session.wait(ctx, m.acquisition())
}

// TryLock takes all the locks if all are free, and otherwise returns a *HeldError about one that is not.
func (m *MultiLock) TryLock(ctx context.Context) (*Held, error) {
	if len(m.names) == 0 {
		return nil, errNoNames
	}
	return m.session.try(ctx, m.acquisition())
}

var errNoNames = errors.New("a multi-lock needs at least one name")

func (m *MultiLock) acquisition() *acquisition {
	command := append([]string{"LOCK.MACQUIRE", strconv.Itoa(len(m.names))}, m.names...)
	return newAcquisition(m.options, m.names, command...)
}
