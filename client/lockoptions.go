package client

import (
	"crypto/rand"
	"strconv"
	"time"
)

// Mode is how a lock is held.
type Mode string

// The modes.
const (
	ModeExclusive Mode = "exclusive" // by one
	ModeShared    Mode = "shared"    // by any number of readers
	ModeSemaphore Mode = "semaphore" // by as many as there are permits
	ModeMulti     Mode = "multi"     // by one, together with other names
	ModeRedis     Mode = "redis"     // the name is a Redis value; only in answers about names
)

// LockOption changes how a lock is taken.
type LockOption func(*lockOptions)

type lockOptions struct {
	owner     string
	reentrant bool
	maxHold   time.Duration
	lockDelay time.Duration
	atLeast   time.Duration
	metadata  string
}

// Owner says in whose name the lock is taken, in at most 256 bytes. Every acquire is an owner of its own unless this is given, so two goroutines never hold
// a lock together by accident. Acquires under one owner are taken to be one line of work: the cluster finds deadlocks between them, and refuses the owner that closes
// the circle with a [*DeadlockError]. Goroutines that run at the same time need different owners. For an election this is the candidate's name.
func Owner(id string) LockOption { return func(o *lockOptions) { o.owner = id } }

// Reentrant lets the owner take a lock again that it holds. Each acquire counts, and the lock is free after as many releases. Without it a second acquire of the same
// owner is refused. It needs a handle that is used again, or Owner.
func Reentrant() LockOption { return func(o *lockOptions) { o.reentrant = true } }

// MaxHold ends the hold so long after it began, whatever is renewed: 50 ms to 24 h. The holder's context ends in time for that.
func MaxHold(limit time.Duration) LockOption { return func(o *lockOptions) { o.maxHold = limit } }

// LockDelay keeps the name reserved for exactly so long, at most an hour, when the hold ends in another way than by a release or the session's close.
func LockDelay(span time.Duration) LockOption { return func(o *lockOptions) { o.lockDelay = span } }

// AtLeast keeps the name reserved until so long after the grant, at most 24 h, also when the lock is released before or the holder has crashed.
func AtLeast(span time.Duration) LockOption { return func(o *lockOptions) { o.atLeast = span } }

// Metadata is what others see of the holder; at most 1024 bytes.
func Metadata(text string) LockOption { return func(o *lockOptions) { o.metadata = text } }

func optionsOf(options []LockOption) (o lockOptions) {
	for _, apply := range options {
		apply(&o)
	}
	return o
}

// words spells the options for the cluster, which checks their limits.
func (o lockOptions) words() (words []string) {
	if o.reentrant {
		words = append(words, "REENTRANT")
	}
	for _, span := range []struct {
		option string
		value  time.Duration
	}{{"MAXHOLD", o.maxHold}, {"DELAY", o.lockDelay}, {"ATLEAST", o.atLeast}} {
		if span.value != 0 {
			words = append(words, span.option, strconv.FormatInt(span.value.Milliseconds(), 10))
		}
	}
	if o.metadata != "" {
		words = append(words, "META", o.metadata)
	}
	return words
}

// ownOwner gives a reentrant handle an owner of its own, so that its acquires know each other.
func ownOwner(o lockOptions) lockOptions {
	if o.reentrant && o.owner == "" {
		o.owner = rand.Text()
	}
	return o
}
