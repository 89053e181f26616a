package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/transport/resp"
)

// startExampleNode runs a cluster of one node on loopback and tells its endpoint. The examples below take locks from it as they would from any other.
func startExampleNode() (endpoint string, stop func()) {
	directory, err := os.MkdirTemp("", "coordd-example-")
	must(err)
	config := raftnode.DefaultConfig()
	config.DataDir = directory
	config.PeerAddress = "127.0.0.1:0"
	config.BootstrapExpect = 1
	config.Logger = slog.New(slog.DiscardHandler)
	node, err := raftnode.Open(config)
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	must(node.WaitReady(ctx))
	door, err := resp.NewServer(resp.Config{Node: node, Admin: node, Logger: config.Logger})
	must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	served := make(chan error, 1)
	go func() { served <- door.Serve(listener) }()
	return listener.Addr().String(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		must(door.Shutdown(ctx))
		if err := <-served; !errors.Is(err, resp.ErrServerClosed) {
			must(err)
		}
		must(node.Stop(ctx))
		must(os.RemoveAll(directory))
	}
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprint("the example cannot run: ", err))
	}
}

// exampleClient is connected to a cluster of its own.
func exampleClient() (cluster *client.Client, stop func()) {
	endpoint, stopNode := startExampleNode()
	cluster, err := client.Dial(context.Background(), client.Options{Endpoints: []string{endpoint}})
	must(err)
	return cluster, func() {
		must(cluster.Close())
		stopNode()
	}
}

// exampleSession is a session of a client, as a process would have.
func exampleSession(cluster *client.Client, name string) *client.Session {
	session, err := cluster.OpenSession(context.Background(), client.SessionOptions{Name: name})
	must(err)
	return session
}
