package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/bent"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// Assignment is what a client process is told.
type Assignment struct {
	Process   string        `json:"process"`
	Endpoints []string      `json:"endpoints"`
	Store     string        `json:"store"`
	Workloads []string      `json:"workloads"`
	TTL       time.Duration `json:"ttl_ns"`
	Start     int64         `json:"start_ns"`
	Seed      uint64        `json:"seed"`
	User      string        `json:"user,omitempty"`
	Password  string        `json:"password,omitempty"`
	// Think is how long an actor of fenced-register thinks at most between reading and writing; 0 is workload.DefaultThink.
	Think time.Duration `json:"think_ns,omitempty"`
	// Registers is how many registers fenced-register has; 0 is workload.DefaultRegisters.
	Registers int `json:"registers,omitempty"`
	// Patience is how long an actor waits for one answer; 0 is workload.DefaultPatience.
	Patience time.Duration `json:"patience_ns,omitempty"`
	// ClockBegin is what the clock of the process says when it starts.
	ClockBegin time.Duration `json:"clock_begin_ns,omitempty"`
	// Actors multiplies the number of actors of each workload; 0 means 1.
	Actors int `json:"actors,omitempty"`
}

// Timeouts of the client library in a run: short, so that clients soon meet another node.
const (
	dialTimeout    = 300 * time.Millisecond
	attemptTimeout = 3 * time.Second
)

// Serve is a client process: it runs its assignment until the input ends. Every further line is an order for its clock.
func Serve(input io.Reader, output io.Writer) error {
	lines := bufio.NewReader(input)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no assignment on standard input: %w", err)
	}
	var assignment Assignment
	if err := json.Unmarshal(line, &assignment); err != nil {
		return fmt.Errorf("the assignment cannot be read: %w", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	writer, clock := history.NewWriter(output), bent.New(assignment.ClockBegin, assignment.TTL)
	go func() { cancel(assignment.follow(lines, clock, writer)) }() // ends when the driver closes the input or is gone
	err = assignment.run(ctx, writer, clock)
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// follow bends the clock as it is told, until the input ends, and notes when.
func (a Assignment) follow(lines io.Reader, clock *bent.Clock, writer *history.Writer) error {
	for input := json.NewDecoder(lines); ; {
		var orders bent.Orders
		if err := input.Decode(&orders); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("an order for the clock cannot be read: %w", err)
		}
		note := history.Event{Type: history.Note, Process: a.Process, Op: workload.OpClock, Value: fmt.Sprintf("%+v", orders), Sent: history.Now(), TTL: orders.Jump.Milliseconds()}
		clock.Follow(orders)
		if err := writer.Write(note); err != nil {
			return err
		}
	}
}

func (a Assignment) run(ctx context.Context, writer *history.Writer, clock *bent.Clock) error {
	cluster, err := a.dial(ctx, clock)
	if cluster == nil {
		return err
	}
	around := &workload.Surroundings{
		Process: a.Process, Cluster: cluster, Clock: clock, Writer: writer, Store: &store.Client{Address: a.Store}, TTL: a.TTL, Think: a.Think, Registers: a.Registers, Patience: a.Patience, Start: a.Start, Seed: a.Seed,
	}
	var acting sync.WaitGroup
	for _, name := range a.Workloads {
		chosen, err := workload.Find(name)
		if err != nil {
			return err
		}
		for number := range chosen.Actors * max(1, a.Actors) {
			acting.Go(func() { chosen.Act(ctx, workload.NewActor(around, chosen.Name, number)) })
		}
	}
	acting.Wait()
	return cluster.Close()
}

// dial goes on until a node answers; nil without an error when the process is told to stop before.
func (a Assignment) dial(ctx context.Context, clock *bent.Clock) (*client.Client, error) {
	for {
		cluster, err := client.Dial(ctx, client.Options{
			Endpoints: a.Endpoints, Name: a.Process, DialTimeout: dialTimeout, AttemptTimeout: attemptTimeout, Username: a.User, Password: a.Password, Clock: clock.Now,
		})
		if err == nil {
			return cluster, nil
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}
