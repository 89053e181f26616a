package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coordd/coordd/cmd/coordd/internal/endpoint"
	"github.com/coordd/coordd/cmd/coordd/internal/table"
	"github.com/coordd/coordd/transport"
)

// devReport tells the person at the terminal, or with --json the program that started it, where the nodes are.
type devReport struct {
	around *surroundings
	asJSON bool
	kept   bool
	folder string
}

// devNode is one node in the report.
type devNode struct {
	NodeID string `json:"node_id"`
	Redis  string `json:"redis_address"`
	HTTP   string `json:"http_address"`
	Peer   string `json:"peer_address"`
	Gossip string `json:"gossip_address"`
	Leader bool   `json:"leader"`
}

func (r *devReport) waiting(reason string) {
	fmt.Fprintf(r.around.stderr, "coordd: not ready yet: %s\n", reason)
}

func (r *devReport) ready(cluster *devCluster, took time.Duration) {
	var nodes []devNode
	var endpoints []string
	for _, node := range cluster.nodes {
		status := node.Status()
		endpoints = append(endpoints, node.redisAddress)
		nodes = append(nodes, devNode{
			NodeID: status.NodeID, Redis: node.redisAddress, HTTP: node.httpAddress, Peer: node.node.PeerAddr(), Gossip: node.node.GossipAddr(),
			Leader: status.Role == transport.RoleLeader,
		})
	}
	if r.asJSON {
		_ = json.NewEncoder(r.around.stdout).Encode(map[string]any{"ready": true, "data_dir": r.folder, "nodes": nodes})
		return
	}
	fmt.Fprint(r.around.stdout, devText(paints(r.around), nodes, endpoints, r.dataLine(), took))
}

func (r *devReport) dataLine() string {
	if r.kept {
		return r.folder
	}
	return r.folder + " (removed at the end; --data-dir keeps it)"
}

func devText(paint bool, nodes []devNode, endpoints []string, data string, took time.Duration) string {
	var text strings.Builder
	fmt.Fprintf(&text, "coordd: %d nodes, ready after %.1f s\n\n", len(nodes), took.Seconds())
	t := table.New(paint, "NODE", "REDIS", "HTTP", "PEER", "GOSSIP", "ROLE")
	for _, node := range nodes {
		role := table.Plain("follower")
		if node.Leader {
			role = table.Good("leader")
		}
		t.Row(table.Plain(node.NodeID), table.Plain(node.Redis), table.Plain(node.HTTP), table.Plain(node.Peer), table.Plain(node.Gossip), role)
	}
	text.WriteString(t.String())
	program := programName()
	where := ""
	if !strings.HasPrefix(strings.Join(endpoint.Default, ",")+",", strings.Join(endpoints, ",")+",") {
		where = "--endpoints " + strings.Join(endpoints, ",") + " "
	}
	fmt.Fprintf(&text, "\ndata: %s\n\nTry, in another terminal:\n  %s cli %sSET job me NX PX 30000\n  %s cli %sFENCE job me\n\nCtrl-C stops all nodes.\n", data, program, where, program, where)
	return text.String()
}

// programName is how the reader can start this program again: `go run` leaves no program behind to name.
func programName() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/coordd"
	}
	return "coordd"
}

func (r *devReport) stopping() {
	if !r.asJSON {
		fmt.Fprintln(r.around.stdout, "stopping")
	}
}
