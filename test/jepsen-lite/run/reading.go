package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// readPatience is for how long one node is asked; one that ended by itself is started again meanwhile.
const (
	readPatience = 20 * time.Second
	readPause    = 200 * time.Millisecond
)

// readAtTheEnd reads every plain value from every node. The answers are operations like any other: they must fit the history.
func (r *run) readAtTheEnd(ctx context.Context) error {
	r.file.Sync()
	events, err := history.ReadFile(r.file.Name())
	if err != nil {
		return err
	}
	keys := map[string]string{}
	for _, event := range events {
		if event.Type == history.Invoke && (event.Workload == "register" || event.Workload == "counter" || event.Workload == "redis") {
			keys[event.Key] = event.Workload
		}
	}
	doors := r.plan.Endpoints
	if r.cluster != nil {
		doors = nil
		for _, node := range r.cluster.Nodes() {
			doors = append(doors, node.RedisAddr)
		}
	}
	failures := make([]error, len(doors))
	var group sync.WaitGroup
	for number, door := range doors {
		group.Go(func() { failures[number] = r.readFrom(ctx, fmt.Sprintf("end-%d", number+1), door, keys) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// readFrom asks one node for everything, and for what it did not answer again.
func (r *run) readFrom(ctx context.Context, name, door string, keys map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	left := map[string]*history.Recorder{}
	for key, of := range keys {
		left[key] = history.NewRecorder(r.writer, name+"/"+strings.ReplaceAll(key, "/", "."), of)
	}
	for {
		err := r.readOver(ctx, name, door, left)
		if err == nil || cluster.Pause(ctx, readPause) != nil {
			return err
		}
	}
}

// readOver reads over one connection, until it fails, and takes what was answered off the list.
func (r *run) readOver(ctx context.Context, name, door string, left map[string]*history.Recorder) error {
	direct, err := client.Dial(ctx, client.Options{Endpoints: []string{door}, Name: name, Username: r.plan.User, Password: r.plan.Password})
	if err != nil {
		return err
	}
	defer direct.Close()
	for key, record := range left {
		op := record.Invoke(history.Event{Op: workload.OpGet, Key: key})
		answer, err := direct.Do(ctx, "GET", key)
		if err != nil {
			record.End(op, history.Info, err)
			return fmt.Errorf("%s: %w", door, err)
		}
		op.Value = string(answer.Text)
		record.End(op, history.OK, nil)
		delete(left, key)
	}
	return nil
}
