package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/workergossip"
	"github.com/coordd/coordd/internal/localcluster"
)

// runWorker is the program of one worker: it serves until it is told on its standard input how to end, "leave" or "restart".
func runWorker(id, pool, endpoints string, session client.SessionOptions, nodes string) error {
	ctx := context.Background()
	cluster, err := client.Dial(ctx, client.Options{Endpoints: strings.Split(endpoints, ","), Name: id})
	if err != nil {
		return err
	}
	defer cluster.Close()
	log := &serviceLog{out: bufio.NewWriter(os.Stdout)}
	config := client.WorkerConfig{ID: id, Session: session}
	if session.EarlyEnd != 0 {
		gossip, err := workergossip.Join(workergossip.Config{ClusterName: localcluster.ClusterName, Nodes: strings.Split(nodes, ","), Key: localcluster.GossipKey(), ListenAddress: "127.0.0.1:0"})
		if err != nil {
			return err
		}
		defer gossip.Leave(time.Second)
		config.Gossip = gossip
	}
	worker, err := cluster.Pool(pool).Join(ctx, config, log)
	if err != nil {
		return err
	}
	go log.flushOften()
	input := bufio.NewScanner(os.Stdin)
	input.Scan()
	if input.Text() == "restart" {
		err = worker.Restart(ctx, time.Minute)
	} else {
		err = worker.Leave(ctx)
	}
	log.flush()
	return err
}

// serviceLog writes when each partition begins and ends to be served.
type serviceLog struct {
	mu  sync.Mutex
	out *bufio.Writer
}

func (l *serviceLog) write(what string, partition int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "%s %d %d\n", what, partition, time.Now().UnixNano())
}

// OnAssigned implements client.PoolHandler.
func (l *serviceLog) OnAssigned(_ context.Context, partition int, _ uint64) {
	l.write("begin", partition)
}

// OnRevoked implements client.PoolHandler.
func (l *serviceLog) OnRevoked(_ context.Context, partition int, _ uint64) { l.write("end", partition) }

func (l *serviceLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.out.Flush() // whoever started this process and went away does not read it
}

func (l *serviceLog) flushOften() {
	for {
		time.Sleep(20 * time.Millisecond)
		l.flush()
	}
}
