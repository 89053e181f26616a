package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/pools"
)

func (r *poolRequest) create(ctx context.Context, words []string) error {
	return r.settle(ctx, append([]string{"POOL.CREATE", words[0]}, r.settings.words(r.Set)...))
}

func (r *poolRequest) alter(ctx context.Context, words []string) error {
	return r.settle(ctx, append([]string{"POOL.ALTER", words[0]}, r.settings.words(r.Set)...))
}

// settle makes or changes a pool and shows how it is set now.
func (r *poolRequest) settle(ctx context.Context, request []string) error {
	answer, err := r.do(ctx, request...)
	if err != nil {
		return err
	}
	pool := pools.ReadPool(answer)
	return r.show(pool, func() string {
		return fmt.Sprintf("pool %s (incarnation %s) has %s; %s\n", printable(pool.Name), pool.Incarnation, counted(pool.Partitions, "partition"), settingsLine(pool))
	})
}

// settingsLine tells the settings of a pool.
func settingsLine(pool pools.Pool) string {
	moves := "automatic"
	if pool.Moves > 0 {
		moves = strconv.FormatInt(pool.Moves, 10)
	}
	return fmt.Sprintf("zones %s, debounce %s, drain %s, moves %s", pool.Zones, span(ms(pool.DebounceMs)), span(ms(pool.DrainMs)), moves)
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// deletedView is what --json writes of a pool that was deleted.
type deletedView struct {
	Name        string `json:"name"`
	Incarnation string `json:"incarnation"`
}

func (r *poolRequest) delete(ctx context.Context, words []string) error {
	incarnation := r.incarnation.Value
	if incarnation == "" { // the one that is there now
		answer, err := r.do(ctx, "POOL.INFO", words[0])
		if err != nil {
			return err
		}
		incarnation = pools.ReadPool(answer).Incarnation
	}
	if _, err := r.do(ctx, "POOL.DELETE", words[0], incarnation); err != nil {
		return err
	}
	return r.show(deletedView{words[0], incarnation}, func() string {
		return fmt.Sprintf("incarnation %s of pool %s is gone\n", incarnation, printable(words[0]))
	})
}

// pinnedView is what --json writes of a partition that was pinned.
type pinnedView struct {
	Pool      string `json:"pool"`
	Partition int    `json:"partition"`
	Worker    string `json:"worker"` // empty: it is pinned no more
}

func (r *poolRequest) pin(ctx context.Context, words []string) error {
	partition, err := strconv.Atoi(words[1])
	if err != nil || partition < 0 {
		return options.Usagef("%q is not the number of a partition; coordd pool explain POOL KEY tells a key's", words[1])
	}
	view := pinnedView{Pool: words[0], Partition: partition}
	if !r.off {
		view.Worker = words[2]
	}
	if _, err := r.do(ctx, "POOL.PIN", view.Pool, words[1], view.Worker); err != nil {
		return err
	}
	return r.show(view, func() string {
		if r.off {
			return fmt.Sprintf("partition %d of %s is pinned to nobody\n", partition, printable(view.Pool))
		}
		return fmt.Sprintf("partition %d of %s goes to %s whenever that is a member\n", partition, printable(view.Pool), printable(view.Worker))
	})
}

// evictedView is what --json writes of a worker that was made to go.
type evictedView struct {
	Pool       string `json:"pool"`
	Worker     string `json:"worker"`
	Partitions int    `json:"partitions"` // that it owned
	Version    int64  `json:"version"`
	Now        bool   `json:"now"`  // they were given on at once
	Left       bool   `json:"left"` // it is a member no more
}

func (r *poolRequest) evict(ctx context.Context, words []string) error {
	view, err := r.makeLeave(ctx, words[0], words[1], r.now)
	if err != nil {
		return err
	}
	return r.show(view, func() string {
		owned := counted(view.Partitions, "partition")
		if view.Now {
			return fmt.Sprintf("%s is out of %s; the %s that it owned are given on, and only the fencing tokens protect\n", printable(view.Worker), printable(view.Pool), owned)
		}
		return fmt.Sprintf("%s is to leave %s and hands over %s\n", printable(view.Worker), printable(view.Pool), owned)
	})
}

// makeLeave asks for an eviction.
func (r *poolRequest) makeLeave(ctx context.Context, pool, worker string, now bool) (evictedView, error) {
	request := []string{"POOL.EVICT", pool, worker, "REASON", r.reason.Value}
	if now {
		request = append(request, "NOW")
	}
	answer, err := r.do(ctx, request...)
	if err != nil {
		return evictedView{}, err
	}
	evicted := pools.ReadEvicted(answer)
	return evictedView{Pool: pool, Worker: worker, Partitions: evicted.Partitions, Version: evicted.Version, Now: now, Left: now}, nil
}

// drain asks for an eviction and waits until the worker has left.
func (r *poolRequest) drain(ctx context.Context, words []string) error {
	view, err := r.makeLeave(ctx, words[0], words[1], false)
	if err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, r.timeout.Value)
	defer cancel()
	owns, err := r.awaitEmpty(patience, view.Pool, view.Worker)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case patience.Err() != nil:
		return failWith(exitTemporary, fmt.Errorf("%s still owns %s of %s after %s; the hand-over goes on, and coordd pool show tells how far it is. If the worker cannot answer, evict it with --now",
			printable(view.Worker), counted(owns, "partition"), printable(view.Pool), r.timeout.Value))
	case err != nil:
		return err
	}
	view.Left = true
	return r.show(view, func() string {
		return fmt.Sprintf("%s has handed over %s and left %s\n", printable(view.Worker), counted(view.Partitions, "partition"), printable(view.Pool))
	})
}

// awaitEmpty waits until a worker is no member of the pool, or at least owns nothing: one whose place is kept owns nothing either. It tells how much it still owns.
func (r *poolRequest) awaitEmpty(ctx context.Context, name, worker string) (owns int, err error) {
	const block = time.Second // how long one question waits for news
	for {
		answer, err := r.do(ctx, "POOL.INFO", name)
		if err != nil {
			return owns, err
		}
		pool := pools.ReadPool(answer)
		if owns = pool.OwnedBy(worker); owns == 0 {
			return 0, nil
		}
		if _, err := r.do(ctx, "POOL.TABLE", name, "SINCE", fmt.Sprint(pool.Version), "INCARNATION", pool.Incarnation, "BLOCK", fmt.Sprint(block.Milliseconds())); err != nil {
			return owns, err
		}
	}
}
