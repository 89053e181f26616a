package main

import (
	"context"
	"errors"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/underlock"
)

// tenure is the flags that say how a lock is kept while a command runs, and what becomes of the command when it cannot be.
type tenure struct {
	ttl    options.Duration
	onLost options.Choice
	grace  options.Duration
	set    *options.Set
}

// The bounds of what can be asked for.
const (
	shortestTTL = time.Second
	longestTTL  = 24 * time.Hour
)

func (u *tenure) declare(set *options.Set) {
	u.set = set
	u.ttl = options.Duration{Value: client.DefaultSessionTTL, AtLeast: shortestTTL, AtMost: longestTTL}
	u.onLost = options.Choice{Value: string(underlock.Term), Of: []string{string(underlock.Term), string(underlock.Kill), string(underlock.Ignore)}}
	u.grace = options.Duration{AtMost: longestTTL, AllowNothing: true}
	set.Var(&u.ttl, "ttl", "how long it outlives the last renewal; renewed every third of it")
	set.Var(&u.onLost, "on-lost", "what becomes of the command when it cannot be kept")
	set.Var(&u.grace, "grace", "time between SIGTERM and SIGKILL then, at most half the TTL; without the flag a sixth of it, at most 5s")
	set.WithoutVariables("ttl", "on-lost", "grace")
}

// check refuses a grace that leaves no time to renew.
func (u *tenure) check() error {
	if u.set.Given("grace") && u.grace.Value > u.ttl.Value/2 {
		return options.Usagef("--grace %s leaves too little of --ttl %s for renewals; it may be half of it at most", u.grace.Value, u.ttl.Value)
	}
	return nil
}

func (u *tenure) schedule() underlock.Schedule {
	grace := time.Duration(-1)
	if u.set.Given("grace") {
		grace = u.grace.Value
	}
	return underlock.NewSchedule(underlock.OnLost(u.onLost.Value), u.ttl.Value, grace)
}

// open opens the session that is to hold the lock, with a connection of its own.
func (u *tenure) open(ctx context.Context, where *reach, about string) (*heldLock, error) {
	cluster, err := where.connect(ctx, caller())
	if err != nil {
		return nil, err
	}
	session, err := cluster.OpenSession(ctx, client.SessionOptions{TTL: u.ttl.Value, Name: caller(), Metadata: about})
	if err != nil {
		return nil, errors.Join(clusterFailure(err), cluster.Close())
	}
	return &heldLock{cluster: cluster, session: session}, nil
}
