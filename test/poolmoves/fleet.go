package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/internal/process"
)

// event is a partition that begins or ends to be served by a worker.
type event struct {
	worker    string
	partition int
	begins    bool
	at        time.Time
}

// fleet is the workers of a pool.
type fleet struct {
	group     *process.Group
	pool      *client.Pool
	endpoints string
	ttl       time.Duration
	early     time.Duration
	gossip    string
	running   map[string]*member

	mu     sync.Mutex
	events []event
}

// member is the process of one worker.
type member struct {
	process *process.Process
	input   io.WriteCloser
	read    chan struct{} // closed when all that it wrote has been read
}

// start starts a worker.
func (f *fleet) start(id string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// A pipe of the system, so that nobody waits for the end of what a worker might still be told.
	input, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer input.Close()
	out, output := io.Pipe()
	spec := process.Spec{Name: id, Path: self, Args: []string{"worker", id, f.pool.Name(), f.endpoints, f.ttl.String(), f.early.String(), f.gossip}, Stdin: input, Stdout: output}
	p, err := f.group.Start(spec)
	if err != nil {
		in.Close()
		return err
	}
	m := &member{process: p, input: in, read: make(chan struct{})}
	f.running[id] = m
	go f.follow(id, out, m)
	go func() {
		<-p.Exited()
		output.Close()
	}()
	return nil
}

// follow reads what a worker writes.
func (f *fleet) follow(id string, from io.Reader, m *member) {
	defer close(m.read)
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var what string
		var partition int
		var at int64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d %d", &what, &partition, &at); err != nil {
			continue // a line that a killed process did not finish
		}
		f.mu.Lock()
		f.events = append(f.events, event{id, partition, what == "begin", time.Unix(0, at)})
		f.mu.Unlock()
	}
}

// tell ends a worker in order and waits until it has ended.
func (f *fleet) tell(ctx context.Context, id, word string) error {
	m := f.running[id]
	delete(f.running, id)
	if _, err := fmt.Fprintln(m.input, word); err != nil {
		return err
	}
	m.input.Close()
	err := m.process.Wait(ctx)
	<-m.read
	return err
}

// kill ends a worker without a word. What it served it serves no more from now on.
func (f *fleet) kill(id string) {
	m := f.running[id]
	delete(f.running, id)
	at := time.Now()
	m.input.Close()
	m.process.Kill()
	<-m.read
	f.mu.Lock()
	defer f.mu.Unlock()
	for partition, worker := range ownersOf(f.events) {
		if worker == id {
			f.events = append(f.events, event{id, partition, false, at})
		}
	}
}

// ownersOf tells who serves what after these events.
func ownersOf(events []event) map[int]string {
	owners := map[int]string{}
	for _, e := range sorted(events) {
		switch {
		case e.begins:
			owners[e.partition] = e.worker
		case owners[e.partition] == e.worker:
			delete(owners, e.partition)
		}
	}
	return owners
}

func sorted(events []event) []event {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	return events
}

// all are the events so far.
func (f *fleet) all() []event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return sorted(f.events)
}

// settle waits until so many workers are members, each owns what it should, and the workers serve what they own. A newcomer should own nothing until the quiet after its join is over.
func (f *fleet) settle(ctx context.Context, members int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		info, err := f.pool.Info(ctx)
		if err != nil {
			return err
		}
		if len(info.Workers) == members && f.served(info) {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("nothing settles: %+v", info)
		}
	}
}

// served reports whether all workers own what they should, and say that they serve it.
func (f *fleet) served(info client.PoolInfo) bool {
	counts := map[string]int{}
	for _, worker := range ownersOf(f.all()) {
		counts[worker]++
	}
	for _, w := range info.Workers {
		if w.State != "active" || w.Target == 0 || w.Owned != w.Target || counts[w.ID] != w.Owned {
			return false
		}
	}
	return info.Owned == info.Partitions
}

func list(ids map[string]*member) (names []string) {
	for id := range ids {
		names = append(names, id)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
