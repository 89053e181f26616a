package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

var serveCommand = options.Command{
	Name:    "serve",
	Summary: "run one node",
	Usage:   []string{"--data-dir DIR [flags]"},
	Details: `Runs until SIGINT or SIGTERM, then hands leadership over, finishes what is under way and stops.
A setting comes from its flag, else from its environment variable, else from the config file, else it has its default.
The ports listen on loopback only, unless users or certificates guard them or --insecure is given.`,
	Examples: []options.Example{
		{Line: "coordd serve --data-dir ./n1 --bootstrap-expect 1", Says: "a cluster of one, for tries"},
		{Line: "coordd serve --config /etc/coordd.toml", Says: "everything from a file"},
		{Line: "coordd serve --data-dir ./n4 --join 127.0.0.1:7680", Says: "a node that waits until `coordd members add` lets it in"},
	},
}

func runServe(ctx context.Context, around *surroundings, arguments []string) error {
	collectLess()
	set := options.New(serveCommand)
	flags := declareServe(set)
	operands, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	if err := noOperands(set, operands); err != nil {
		return err
	}
	if flags.config != "" {
		if err := set.ApplyFile(flags.config); err != nil {
			return err
		}
	}
	if err := flags.check(); err != nil {
		return err
	}
	logger, err := flags.logs.logger(around.stderr)
	if err != nil {
		return err
	}
	p, err := flags.plan(logger)
	if err != nil {
		return err
	}
	node, err := start(p)
	if err != nil {
		return err
	}
	report := &serveReport{around, flags.asJSON}
	report.listening(p, node)
	return live(ctx, node, report)
}

// plan reads the files that the flags name and binds the doors.
func (f *serveFlags) plan(logger *slog.Logger) (plan, error) {
	access, err := f.access()
	if err != nil {
		return plan{}, err
	}
	if err := probe("--peer-addr", f.peerAddr.Value, false); err != nil {
		return plan{}, err
	}
	if f.gossipAddr.Value != off {
		if err := probe("--gossip-addr", f.gossipAddr.Value, true); err != nil {
			return plan{}, err
		}
	}
	p := plan{users: access.users, redisTLS: access.redisTLS, httpTLS: access.httpTLS, authorize: access.authorize(), logger: logger}
	if p.redis, err = listen("--redis-addr", f.redisAddr.Value); err != nil {
		return plan{}, err
	}
	httpAddress := ""
	if f.httpAddr.Value != off {
		if p.http, err = listen("--http-addr", f.httpAddr.Value); err != nil {
			p.close()
			return plan{}, err
		}
		httpAddress = p.http.Addr().String()
	}
	if p.node, err = f.nodeConfig(p.redis.Addr().String(), httpAddress); err != nil {
		p.close()
		return plan{}, err
	}
	return p, nil
}

// live waits for readiness, then for the end: a signal, which stops the node gracefully, or a failure, after which nothing of it can be trusted
// to finish, so the process just ends.
func live(ctx context.Context, node *instance, report *serveReport) error {
	err := node.waitReady(ctx, report.waiting)
	if err == nil {
		report.ready(node)
		select {
		case <-ctx.Done():
		case err = <-node.failed:
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	report.stopping()
	graceful, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := node.stop(graceful); err != nil {
		return fmt.Errorf("the node did not stop cleanly, which costs nothing that was acknowledged: %w", err)
	}
	return nil
}

// serveReport tells the person or program that started the node what becomes of it.
type serveReport struct {
	around *surroundings
	asJSON bool
}

// listeningLine is the first line of --json.
type listeningLine struct {
	Event   string `json:"event"`
	NodeID  string `json:"node_id"`
	Redis   string `json:"redis_address"`
	HTTP    string `json:"http_address,omitempty"`
	Peer    string `json:"peer_address"`
	Gossip  string `json:"gossip_address,omitempty"`
	DataDir string `json:"data_dir"`
}

func (r *serveReport) listening(p plan, node *instance) {
	line := listeningLine{
		Event: "listening", NodeID: node.node.Status().NodeID, Redis: node.redisAddress, HTTP: node.httpAddress, Peer: node.node.PeerAddr(), Gossip: node.node.GossipAddr(),
		DataDir: p.node.DataDir,
	}
	if r.asJSON {
		r.json(line)
		return
	}
	fmt.Fprintf(r.around.stdout, "coordd node %s, data in %s\n", line.NodeID, line.DataDir)
	for _, row := range [][2]string{{"redis", line.Redis}, {"http", line.HTTP}, {"peer", line.Peer}, {"gossip", line.Gossip}} {
		fmt.Fprintf(r.around.stdout, "  %-7s %s\n", row[0], either(row[1], off))
	}
}

func (r *serveReport) waiting(reason string) {
	if !r.asJSON {
		fmt.Fprintf(r.around.stdout, "not ready yet: %s\n", reason)
	}
}

func (r *serveReport) ready(node *instance) {
	status := node.Status()
	if r.asJSON {
		r.json(map[string]string{"event": "ready", "node_id": status.NodeID, "cluster_id": status.ClusterID})
		return
	}
	fmt.Fprintf(r.around.stdout, "ready: cluster %s, leader %s\n", status.ClusterName, status.LeaderID)
}

func (r *serveReport) stopping() {
	if !r.asJSON {
		fmt.Fprintln(r.around.stdout, "stopping")
	}
}

// json writes a line; a reader that went away is its own affair.
func (r *serveReport) json(line any) {
	_ = json.NewEncoder(r.around.stdout).Encode(line)
}
