package nemesis

import (
	"context"
	"os/exec"
	"testing"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// On a slow disk a leader ends by itself while others are handed leadership: that is not the end of the nemesis.
func TestANodeThatEndedLagsWithoutBeingStopped(t *testing.T) {
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	net := network.New(1)
	defer net.Close()
	group := process.NewGroup(t.TempDir())
	defer group.Close(0)
	nodes, err := cluster.New(cluster.Config{DataDir: t.TempDir(), LogDir: t.TempDir(), Nodes: 1, Binary: program}, group, net)
	if err != nil {
		t.Fatal(err)
	}
	node := nodes.Nodes()[0]
	if err := lag(context.Background(), node); err != nil {
		t.Errorf("before it was started: %v", err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	if err := node.WaitExit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := lag(context.Background(), node); err != nil {
		t.Errorf("after it had ended: %v", err)
	}
}
