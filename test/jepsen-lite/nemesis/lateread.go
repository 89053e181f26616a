package nemesis

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// lateReaders is how many connections wait at a leader that was stopped: whether a read is served before the node notices that it leads no more is a race, so many are run.
const lateReaders = 16

// pauseLateRead asks a leader of the past for what has changed since. Clients seldom do: those that talk to it wait for its answer and ask nothing new meanwhile. The reads stand in
// the history like any other, so a stale answer fits no order.
func pauseLateRead(ctx context.Context, env *Env) error {
	leader := env.leader(ctx)
	readers, err := env.openReaders(ctx, leader)
	defer closeAll(readers)
	if err != nil {
		return err
	}
	if err := leader.Stop(); err != nil {
		return err
	}
	defer leader.Continue()
	wait, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	next, err := env.Cluster.Leader(wait) // the stopped one is not asked
	if err != nil {
		return ctx.Err()
	}
	keys, err := env.Tracker.Written(wait, history.Now())
	if err != nil {
		return fmt.Errorf("no register was written under the new leader: %w", err)
	}
	env.Printf("%s is stopped, %s leads; %d late reads of %v wait at %s", leader.Name, next.Name, len(readers), keys, leader.Name)
	var reading sync.WaitGroup
	for number, reader := range readers {
		reading.Go(func() {
			env.readLate(ctx, reader, fmt.Sprintf("late-%d-%d", history.Now(), number), keys[number%len(keys)])
		})
	}
	if err := cluster.Pause(ctx, 50*time.Millisecond); err != nil { // until the requests lie in the sockets
		return err
	}
	leader.Continue()
	reading.Wait()
	return cluster.Pause(ctx, env.Hold/4)
}

func (e *Env) openReaders(ctx context.Context, node *cluster.Node) (readers []*client.Client, err error) {
	for range lateReaders {
		reader, err := client.Dial(ctx, client.Options{Endpoints: []string{node.RedisAddr}, Name: "late-reader", DialTimeout: time.Second})
		if err != nil {
			return readers, err
		}
		readers = append(readers, reader)
	}
	return readers, nil
}

func closeAll(readers []*client.Client) {
	for _, reader := range readers {
		_ = reader.Close()
	}
}

// readLate reads once, as an operation of the workload register.
func (e *Env) readLate(ctx context.Context, reader *client.Client, name, key string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	record := history.NewRecorder(e.Writer, name, "register")
	op := record.Invoke(history.Event{Op: workload.OpGet, Key: key})
	answer, err := reader.Do(ctx, "GET", key)
	if err != nil {
		record.End(op, history.Info, err) // a read has no effect; what it would have answered nobody knows
		return
	}
	op.Value = string(answer.Text)
	record.End(op, history.OK, nil)
}
