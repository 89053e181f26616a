package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coordd/coordd/test/compat/resp"
)

// loadClient is one client of a load: a connection that it opens again when
// it is lost. It never sends anything twice.
type loadClient struct {
	address string
	conn    *resp.Conn
}

// do sends one command. After an error that is no error reply the fate of the
// command is unknown, and the next command goes over a new connection.
func (c *loadClient) do(ctx context.Context, args ...string) (resp.Value, error) {
	if c.conn == nil {
		conn, err := resp.Dial(ctx, c.address)
		if err != nil {
			return resp.Value{}, err
		}
		c.conn = conn
	}
	value, err := c.conn.Do(args...)
	var refused *resp.ServerError
	if err != nil && !errors.As(err, &refused) {
		c.close()
	}
	return value, err
}

func (c *loadClient) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// runLoad runs clients at once, each calling step again and again until ctx is
// done; after an error it pauses for a moment.
func runLoad(ctx context.Context, address string, clients int, step func(ctx context.Context, client int, c *loadClient) error) {
	var wait sync.WaitGroup
	for number := range clients {
		wait.Go(func() {
			c := &loadClient{address: address}
			defer c.close()
			for ctx.Err() == nil {
				if err := step(ctx, number, c); err != nil {
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	wait.Wait()
}

// median and maximum of durations; zero of none.
func median(durations []time.Duration) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[len(sorted)/2]
}

func maximum(durations []time.Duration) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	return slices.Max(durations)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
