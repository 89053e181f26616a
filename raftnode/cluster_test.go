package raftnode_test

import (
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/clustertest"
)

func set(key, value string) command.Op {
	return command.Set{Name: command.Name{Key: key}, Value: []byte(value)}
}

func get(key string) command.Op { return command.Get{Name: command.Name{Key: key}} }

// Three processes in one, over real sockets and files: any node serves, a killed leader's writes are there, and tokens only grow.
func TestThreeNodesOnLoopbackSurviveTheirLeader(t *testing.T) {
	c := clustertest.Start(t, clustertest.Options{Loopback: true})
	for i := range c.Size() {
		c.Do(i, set("job", "me"))
	}
	before := c.Do(0, command.Fence{Name: command.Name{Key: "job"}})[0].Integer
	leader := c.AwaitLeader(-1)
	c.Kill(leader)
	next := c.AwaitLeader(leader)
	if got := c.Do(next, get("job"))[0]; string(got.Text) != "me" {
		t.Fatalf("after the leader's death job holds %q", got.Text)
	}
	c.Do(next, set("job", "you"))
	if after := c.Do(next, command.Fence{Name: command.Name{Key: "job"}})[0].Integer; after <= before {
		t.Fatalf("the token went from %d to %d", before, after)
	}
	c.Restart(leader)
	c.AwaitReady(leader)
	if got := c.Do(leader, get("job"))[0]; string(got.Text) != "you" {
		t.Fatalf("the restarted node answers %q", got.Text)
	}
}
