package raftnode_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/raftnode/store"
)

// A node whose disk has changed an entry does not start, and says that the disk is at fault. The library would panic.
func TestANodeWithADamagedEntryDoesNotStart(t *testing.T) {
	c := clustertest.Start(t, clustertest.Options{Nodes: 1, Loopback: true, Founded: true})
	leader := c.AwaitLeader(-1)
	c.Do(leader, set("k", "a value that is found again"))
	config := *c.Config(leader)
	c.StopNode(leader)
	path := filepath.Join(config.DataDir, "raft", "raft.db")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spoiled := bytes.ReplaceAll(content, []byte("a value that is found again"), []byte("a value that is lost for us"))
	if bytes.Equal(spoiled, content) {
		t.Fatal("the entry is not in the file")
	}
	if err := os.WriteFile(path, spoiled, 0o600); err != nil {
		t.Fatal(err)
	}
	node, err := raftnode.Open(config)
	if err == nil {
		c.Kill(leader)
		t.Fatalf("%s starts with a damaged entry", node.Status().NodeID)
	}
	if !store.IsDamage(err) || !strings.Contains(err.Error(), "the disk may be failing") {
		t.Errorf("it does not start: %v", err)
	}
}
