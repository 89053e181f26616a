package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/coordd/coordd/transport/resp/wire"
)

// run follows the table over one connection after another.
func (r *Router) run() {
	defer close(r.done)
	for attempt := 1; r.ctx.Err() == nil; attempt++ {
		before := r.table.Load()
		err := r.follow(r.ctx)
		switch {
		case r.ctx.Err() != nil:
		case isFinalForRouter(err):
			r.end(err)
		case r.table.Load() != before:
			attempt = 0
		default:
			_ = pause(r.ctx, attempt) // the loop sees that the context has ended
		}
	}
}

var (
	errGap          = errors.New("a change of the table does not continue it")
	errOtherCluster = errors.New("the node belongs to another cluster")
)

// isFinalForRouter reports whether no other connection would do better.
func isFinalForRouter(err error) bool {
	var changed *PoolChangedError
	var refused *ServerError
	return errors.As(err, &changed) || errors.As(err, &refused) && !outcomes[refused.Code].again
}

// follow reads the table and its changes over one connection. Everything that comes goes through one channel in the order in which the node sent it.
func (r *Router) follow(ctx context.Context) error {
	c := r.pool.client
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tables := make(chan wire.Value)
	hand := func(table wire.Value) {
		select {
		case tables <- table:
		case <-ctx.Done():
		}
	}
	established, err := c.endpoints.connect(ctx, func(_ *connection, push wire.Value) error {
		if len(push.Elements) == 3 && string(push.Elements[0].Text) == "pool" && string(push.Elements[1].Text) == r.pool.name {
			hand(push.Elements[2])
		}
		return context.Cause(ctx)
	})
	if err != nil {
		return err
	}
	defer func() {
		cancel()
		established.close(errRetired)
		established.serving.Wait()
	}()
	failed := make(chan error, 2)
	established.serving.Go(func() { failed <- r.subscribe(ctx, established, hand) })
	established.serving.Go(func() { keepOpen(ctx, established, new(atomic.Bool)) })
	for {
		select {
		case table := <-tables:
			err = r.take(table)
		case err = <-failed:
		case <-established.broken:
			err = established.failure()
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err != nil {
			c.endpoints.pass(established.endpoint)
			return err
		}
	}
}

// subscribe checks whose node it is, asks for the table, and then again whenever somebody wants it at once.
func (r *Router) subscribe(ctx context.Context, to *connection, hand func(wire.Value)) error {
	if err := r.recognise(ctx, to); err != nil {
		return err
	}
	for command := "POOL.WATCH"; ; command = "POOL.TABLE" {
		words := []string{command, r.pool.name}
		if table := r.table.Load(); table != nil {
			words = append(words, "SINCE", strconv.FormatInt(table.version, 10), "INCARNATION", table.incarnation)
		}
		err := r.request(ctx, to, words, hand)
		switch {
		case hasCode(err, "NOPOOL") && r.table.Load() != nil:
			return r.gone("")
		case err != nil && outcomes[codeOf(err)].again && command == "POOL.TABLE":
			// The watch goes on; who wanted the table asks again.
		case err != nil:
			return err
		}
		select {
		case <-r.nudged:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// request asks for a table, which is handed on before anything that comes behind it.
func (r *Router) request(ctx context.Context, to *connection, words []string, hand func(wire.Value)) error {
	limited, cancel := context.WithTimeout(ctx, r.pool.client.options.AttemptTimeout)
	defer cancel()
	answer, _, err := to.carry(limited, &call{request: wire.AppendRequest(nil, words...), answer: make(chan wire.Value, 1), arrived: func(answer wire.Value) {
		if answer.Type != wire.Error {
			hand(answer)
		}
	}})
	if err != nil {
		return err
	}
	return serverError(answer)
}

// recognise refuses a node of another cluster: there a pool may have the same name and even the same incarnation.
func (r *Router) recognise(ctx context.Context, to *connection) error {
	limited, cancel := context.WithTimeout(ctx, r.pool.client.options.AttemptTimeout)
	defer cancel()
	answer, _, err := to.do(limited, wire.AppendRequest(nil, "COORDD.STATUS"))
	if err == nil {
		err = serverError(answer)
	}
	if err != nil {
		return err
	}
	var status struct {
		ClusterID string `json:"cluster_id"`
	}
	if err := json.Unmarshal(answer.Text, &status); err != nil {
		return fmt.Errorf("%s answered COORDD.STATUS with something else than JSON: %w", to.endpoint, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cluster == "" {
		r.cluster = status.ClusterID
	}
	if r.cluster != status.ClusterID {
		return fmt.Errorf("%s: %w: its id is %s, the pool's is %s", to.endpoint, errOtherCluster, status.ClusterID, r.cluster)
	}
	return nil
}

func (r *Router) gone(found string) error {
	return &PoolChangedError{Pool: r.pool.name, Incarnation: r.table.Load().incarnation, Found: found}
}

// take applies a table map. Each tells its rows as they are at its version, so one that begins earlier than the present table continues it as well.
func (r *Router) take(told wire.Value) error {
	old := r.table.Load()
	if told.Type == wire.Nil {
		if old == nil {
			return &PoolChangedError{Pool: r.pool.name}
		}
		return r.gone("")
	}
	update, err := tableUpdateOf(told)
	switch {
	case err != nil:
		return err
	case old == nil && !update.whole:
		return errGap
	case old == nil:
		old = &routes{}
	case update.incarnation != old.incarnation || update.partitions != len(old.owners):
		return r.gone(update.incarnation)
	case update.whole && update.version < old.version:
		return r.gone(update.incarnation) // the cluster does not remember what it told before
	case update.version <= old.version:
		return nil // known already
	case !update.whole && update.from > old.version:
		return errGap
	}
	next, err := old.next(update)
	if err != nil {
		return err
	}
	r.table.Store(next)
	r.mu.Lock()
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	if r.told != nil {
		r.told(update)
	}
	return nil
}
