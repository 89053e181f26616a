package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/coordd/coordd/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	verbose := flag.Bool("v", false, "show what the nodes log")
	flag.Parse()
	logger := slog.New(slog.DiscardHandler)
	if *verbose {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if err := run(ctx, logger); err != nil {
		fmt.Fprintln(os.Stderr, "embedded:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, logger *slog.Logger) (err error) {
	directory, err := os.MkdirTemp("", "coordd-embedded-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	ports, err := freeAddresses(3)
	if err != nil {
		return err
	}
	var last uint64
	for _, moment := range []string{"a new cluster", "the same cluster, restarted from its data directories"} {
		token, err := takeLock(ctx, moment, settings{directory: directory, peers: ports, logger: logger})
		if err != nil {
			return fmt.Errorf("%s: %w", moment, err)
		}
		if token <= last {
			return fmt.Errorf("the token went from %d to %d; tokens must grow", last, token)
		}
		last = token
	}
	fmt.Println("The second token is larger, so whatever the lock protects can tell the old holder from the new one.")
	return nil
}

// takeLock starts the cluster, takes a lock through its first node, prints the token, gives the lock back and stops the cluster.
func takeLock(ctx context.Context, moment string, s settings) (token uint64, err error) {
	cluster, err := startCluster(ctx, s)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cluster.stop()) }()

	locks, err := client.Dial(ctx, client.Options{Endpoints: cluster.endpoints()})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, locks.Close()) }()
	session, err := locks.OpenSession(ctx, client.SessionOptions{TTL: 5 * time.Second, Name: filepath.Base(os.Args[0])})
	if err != nil {
		return 0, err
	}
	held, err := session.Lock(ctx, "nightly-report")
	if err != nil {
		return 0, err
	}
	fmt.Printf("%s: lock %q is held with token %d for at least %v\n", moment, held.Name(), held.Token(), held.Remaining().Round(100*time.Millisecond))
	if err := held.Release(ctx); err != nil {
		return 0, err
	}
	return held.Token(), session.Close(ctx)
}
