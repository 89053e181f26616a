package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// endpoints gives each client process its own way to each node, beginning with another node each.
func (r *run) endpoints() ([][]string, error) {
	places := make([][]string, r.plan.Clients)
	for place := range places {
		if r.cluster == nil {
			places[place] = rotated(r.plan.Endpoints, place)
			continue
		}
		var addresses []string
		for _, node := range r.cluster.Nodes() {
			address, err := r.net.Reach(nemesis.Place(place), node.Name, node.RedisAddr)
			if err != nil {
				return nil, err
			}
			addresses = append(addresses, address)
		}
		places[place] = rotated(addresses, place)
	}
	return places, nil
}

func rotated(list []string, by int) []string {
	by %= len(list)
	return append(append([]string(nil), list[by:]...), list[:by]...)
}

const readPatience = 10 * time.Second

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
			if node.Running() {
				doors = append(doors, node.RedisAddr)
			}
		}
	}
	var failures []error
	for number, door := range doors {
		if err := r.readFrom(ctx, fmt.Sprintf("end-%d", number+1), door, keys); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

func (r *run) readFrom(ctx context.Context, name, door string, keys map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	direct, err := client.Dial(ctx, client.Options{Endpoints: []string{door}, Name: name, Username: r.plan.User, Password: r.plan.Password})
	if err != nil {
		return err
	}
	defer direct.Close()
	for key, of := range keys {
		record := history.NewRecorder(r.writer, name+"/"+strings.ReplaceAll(key, "/", "."), of)
		op := record.Invoke(history.Event{Op: workload.OpGet, Key: key})
		answer, err := direct.Do(ctx, "GET", key)
		if err != nil {
			record.End(op, history.Info, err)
			return fmt.Errorf("%s: %w", door, err)
		}
		op.Value = string(answer.Text)
		record.End(op, history.OK, nil)
	}
	return nil
}
