package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
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
	// Actors multiplies the number of actors of each workload; 0 means 1.
	Actors int `json:"actors,omitempty"`
}

// Timeouts of the client library in a run: short, so that clients soon meet another node.
const (
	dialTimeout    = 300 * time.Millisecond
	attemptTimeout = 3 * time.Second
)

// Serve is a client process: it runs its assignment until the input ends.
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
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, lines) // returns when the driver closes the input or is gone
	}()
	return assignment.run(ctx, history.NewWriter(output))
}

func (a Assignment) run(ctx context.Context, writer *history.Writer) error {
	cluster, err := a.dial(ctx)
	if cluster == nil {
		return err
	}
	around := &workload.Surroundings{
		Process: a.Process, Cluster: cluster, Writer: writer, Store: &store.Client{Address: a.Store}, TTL: a.TTL, Think: a.Think, Registers: a.Registers, Start: a.Start, Seed: a.Seed,
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
func (a Assignment) dial(ctx context.Context) (*client.Client, error) {
	for {
		cluster, err := client.Dial(ctx, client.Options{
			Endpoints: a.Endpoints, Name: a.Process, DialTimeout: dialTimeout, AttemptTimeout: attemptTimeout, Username: a.User, Password: a.Password,
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
