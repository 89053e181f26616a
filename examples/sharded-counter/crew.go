package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/coordd/coordd/client"
)

// crew is the worker processes, which are this program once more.
type crew struct {
	store, endpoints string
	pool             *client.Pool
	workers          map[string]*process
}

type process struct {
	command *exec.Cmd
	input   io.Closer // when it is closed, the worker leaves
}

// start starts workers and waits until they have their share.
func (c *crew) start(ctx context.Context, ids ...string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	for _, id := range ids {
		command := exec.Command(program, "worker", id, c.store, c.endpoints)
		command.Stderr = os.Stderr
		input, err := command.StdinPipe() // it ends with this process, so that no worker is left behind
		if err != nil {
			return err
		}
		if err := command.Start(); err != nil {
			return err
		}
		c.workers[id] = &process{command, input}
	}
	return c.settle(ctx)
}

// leave lets a worker hand over and end.
func (c *crew) leave(ctx context.Context, id string) error {
	leaver := c.workers[id]
	delete(c.workers, id)
	if err := leaver.input.Close(); err != nil {
		return err
	}
	if err := leaver.command.Wait(); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	return c.settle(ctx)
}

// kill ends a worker as a crash does.
func (c *crew) kill(ctx context.Context, id string) error {
	victim := c.workers[id]
	delete(c.workers, id)
	if err := victim.command.Process.Kill(); err != nil {
		return err
	}
	_ = victim.command.Wait() // it was killed, which counts as a failure
	return c.settle(ctx)
}

func (c *crew) killAll() {
	for _, worker := range c.workers {
		_ = worker.command.Process.Kill() // it may have ended
		_ = worker.command.Wait()
	}
}

// settle waits until the workers that there are share the pool.
func (c *crew) settle(ctx context.Context) error {
	for {
		info, err := c.pool.Info(ctx)
		if err != nil {
			return err
		}
		if info.Settled() && len(info.Workers) == len(c.workers) && c.allServe(info.Workers) {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *crew) allServe(workers []client.WorkerInfo) bool {
	for _, one := range workers {
		if c.workers[one.ID] == nil || one.Owned == 0 {
			return false
		}
	}
	return true
}
