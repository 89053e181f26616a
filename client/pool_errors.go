package client

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrHandedOver is the cause with which a partition's context ends when it was handed over in good order: the handler had returned before.
	ErrHandedOver = errors.New("the partition was handed over")

	// ErrLeft is the error of a worker that has left its pool, as it was asked to.
	ErrLeft = errors.New("the worker has left the pool")
)

// NotOwnerError says that a worker does not serve a key now. Owner, Address and Token are what the worker believes of others; they may be old.
type NotOwnerError struct {
	Pool, Incarnation string
	Worker            string // who refuses
	Partition         int    // of the key
	Version           int64  // of the pool as the worker knows it
	Owner             string // empty: nobody, or not known
	Address           string
	Token             uint64

	// Asked is the incarnation that the request was for, when it was for another one: then nothing else is told.
	Asked string
}

// Error implements error.
func (e *NotOwnerError) Error() string {
	switch {
	case e.Asked != "":
		return fmt.Sprintf("the request is for pool %q as made by %s; worker %q is in the one made by %s", e.Pool, e.Asked, e.Worker, e.Incarnation)
	case e.Owner == "":
		return fmt.Sprintf("worker %q does not own partition %d of pool %q; nobody is known to", e.Worker, e.Partition, e.Pool)
	case e.Owner == e.Worker:
		return fmt.Sprintf("worker %q does not serve partition %d of pool %q at this moment", e.Worker, e.Partition, e.Pool)
	}
	return fmt.Sprintf("partition %d of pool %q is owned by %q (%s), not by worker %q", e.Partition, e.Pool, e.Owner, e.Address, e.Worker)
}

// WorkerBusyError says that another session lives under a worker's id. It is no reason to give up: the id is free when that session has ended.
type WorkerBusyError struct {
	Pool, Worker string
	Remaining    time.Duration // how long the other session has at least, unless it is renewed
	cause        error
}

// Error implements error.
func (e *WorkerBusyError) Error() string {
	return fmt.Sprintf("another session is worker %q of pool %q, for %v more unless it is renewed; give each worker an id of its own", e.Worker, e.Pool, e.Remaining)
}

// Unwrap gives the cluster's answer.
func (e *WorkerBusyError) Unwrap() error { return e.cause }

// DisplacedError says that a worker's membership was ended by somebody else although its session lived: an operator evicted it, or another process took its id over.
type DisplacedError struct {
	Pool, Worker string
	By           string // the session that has the id now; empty if none has
	cause        error
}

// Error implements error.
func (e *DisplacedError) Error() string {
	if e.By != "" {
		return fmt.Sprintf("session %s has taken over worker %q of pool %q; give each worker an id of its own", e.By, e.Worker, e.Pool)
	}
	return fmt.Sprintf("worker %q is no member of pool %q any more: an operator has evicted it", e.Worker, e.Pool)
}

// Is reports that the partitions of a displaced worker are lost, which is ErrLost.
func (e *DisplacedError) Is(target error) bool { return target == ErrLost }

// Unwrap gives the cluster's answer.
func (e *DisplacedError) Unwrap() error { return e.cause }

// PoolChangedError says that a pool is not the one that it was: it was deleted, or there is another of its name, or another cluster answers.
type PoolChangedError struct {
	Pool, Incarnation string
	Found             string // the incarnation that is there now; empty when there is none
}

// Error implements error.
func (e *PoolChangedError) Error() string {
	switch e.Found {
	case "":
		return fmt.Sprintf("pool %q as made by %s is gone", e.Pool, e.Incarnation)
	case e.Incarnation:
		return fmt.Sprintf("the cluster knows an older version of pool %q than it told before; was it restored from a backup?", e.Pool)
	}
	return fmt.Sprintf("pool %q as made by %s is gone; the one of its name was made by %s, and has partitions and tokens of its own", e.Pool, e.Incarnation, e.Found)
}
