package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// errContended is what Acquire answers when the library says that somebody
// else holds the lock; errNotOwned is what Extend and Release answer when it
// says that the lock is no longer this holder's.
var (
	errContended = errors.New("somebody else holds the lock")
	errNotOwned  = errors.New("the lock is not this holder's")
)

// lockClient is one library with its own connections.
type lockClient interface {
	// Acquire takes the lock as the library does by default; a zero ttl means
	// the library's default, or the campaign's where it has none.
	Acquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error)
	// TryAcquire makes one attempt.
	TryAcquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error)
	// DefaultTTL is the library's own, zero when a caller must name one.
	DefaultTTL() time.Duration
	// Do sends any command through the same library.
	Do(ctx context.Context, args ...any) (any, error)
	Close() error
}

// heldLock is a lock that was granted.
type heldLock interface {
	// Holder is the value that the library stored under the lock's name.
	Holder() string
	Extend(ctx context.Context) error
	Release(ctx context.Context) error
}

// tokenHolder is a lock that brought its fencing token along; of others it is asked for.
type tokenHolder interface{ Token() int64 }

// believer is a lock whose client knows by itself when it must not count on it any more.
type believer interface{ OverUS() int64 }

// clients lists every client of this program, and how each connects.
var clients = map[string]func(address string) (lockClient, error){
	"redsync-goredis": foreign(newRedsyncGoRedis),
	"redsync-redigo":  foreign(newRedsyncRedigo),
	"redislock":       foreign(newRedislock),
	"goredis":         foreign(newGoRedis),
	"coordd-lock":     newNativeLock,
	"coordd-lease":    newNativeLease,
}

// foreign is for libraries that connect when they are first used.
func foreign(build func(address string) lockClient) func(string) (lockClient, error) {
	return func(address string) (lockClient, error) { return build(address), nil }
}

func newClient(name, address string) (lockClient, error) {
	build, known := clients[name]
	if !known {
		names := make([]string, 0, len(clients))
		for known := range clients {
			names = append(names, known)
		}
		sort.Strings(names)
		return nil, fmt.Errorf("there is no client %q here; there are %s", name, strings.Join(names, ", "))
	}
	return build(address)
}

// integer reads a number from whatever type a library gave it.
func integer(value any, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	switch value := value.(type) {
	case int64:
		return value, nil
	case string:
		return parseInteger(value)
	case []byte:
		return parseInteger(string(value))
	default:
		return 0, fmt.Errorf("expected a number, got %T %v", value, value)
	}
}

func parseInteger(text string) (int64, error) {
	var number int64
	_, err := fmt.Sscanf(text, "%d", &number)
	return number, err
}

// text reads a string from whatever type a library gave it; nil is "".
func text(value any, err error) (string, error) {
	switch value := value.(type) {
	case string:
		return value, err
	case []byte:
		return string(value), err
	case nil:
		return "", err
	default:
		return fmt.Sprint(value), err
	}
}
