package client

import "context"

// Lock takes a lock and waits for it, first come, first served, until the context ends; without a deadline for at most a day. The place in the queue belongs to the session, so
// it survives the death of the node that the client is connected to. Each Held is an owner of its own unless [Owner] is given: two goroutines that
// share a session exclude each other.
//
// When the context ends first the error wraps its cause, and whatever was granted at the same moment is given back.
func (s *Session) Lock(ctx context.Context, name string, options ...LockOption) (*Held, error) {
	return s.wait(ctx, exclusive(name, optionsOf(options)))
}

// TryLock takes a lock if it is free, and otherwise returns a *HeldError that says who holds it.
func (s *Session) TryLock(ctx context.Context, name string, options ...LockOption) (*Held, error) {
	return s.try(ctx, exclusive(name, optionsOf(options)))
}

func exclusive(name string, options lockOptions) *acquisition {
	return newAcquisition(options, []string{name}, "LOCK.ACQUIRE", name)
}

// Mutex is a lock with its options, for a part of a program that takes it again and again. Goroutines that share one exclude each other, unless it is
// [Reentrant]: then it is one owner, and must not be shared by goroutines that run at the same time.
type Mutex struct {
	session *Session
	name    string
	options lockOptions
}

// Mutex makes a handle; nothing is asked of the cluster yet.
func (s *Session) Mutex(name string, options ...LockOption) *Mutex {
	return &Mutex{session: s, name: name, options: ownOwner(optionsOf(options))}
}

// Lock is [Session.Lock] with the handle's options.
func (m *Mutex) Lock(ctx context.Context) (*Held, error) {
	return m.session.wait(ctx, exclusive(m.name, m.options))
}

// TryLock is [Session.TryLock] with the handle's options.
func (m *Mutex) TryLock(ctx context.Context) (*Held, error) {
	return m.session.try(ctx, exclusive(m.name, m.options))
}

// RWLock is a lock that any number of readers hold together, or one writer alone. Readers that come after a waiting writer wait behind it. There is no way from a reader's hold to a writer's:
// an owner that holds one and asks for the other is refused with a [*ConflictError].
type RWLock struct {
	session *Session
	name    string
	options lockOptions
}

// RWLock makes a handle; nothing is asked of the cluster yet.
func (s *Session) RWLock(name string, options ...LockOption) *RWLock {
	return &RWLock{session: s, name: name, options: ownOwner(optionsOf(options))}
}

// Lock takes the lock for writing and waits for it as [Session.Lock] does.
func (l *RWLock) Lock(ctx context.Context) (*Held, error) {
	return l.session.wait(ctx, exclusive(l.name, l.options))
}

// TryLock takes the lock for writing if it is free, and otherwise returns a *HeldError.
func (l *RWLock) TryLock(ctx context.Context) (*Held, error) {
	return l.session.try(ctx, exclusive(l.name, l.options))
}

// RLock takes the lock for reading and waits for it as [Session.Lock] does.
func (l *RWLock) RLock(ctx context.Context) (*Held, error) { return l.session.wait(ctx, l.shared()) }

// TryRLock takes the lock for reading if no writer holds it or waits for it, and otherwise returns a *HeldError.
func (l *RWLock) TryRLock(ctx context.Context) (*Held, error) { return l.session.try(ctx, l.shared()) }

func (l *RWLock) shared() *acquisition {
	return newAcquisition(l.options, []string{l.name}, "LOCK.ACQUIRE", l.name, "SHARED")
}
