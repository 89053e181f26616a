package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	verbose := flag.Bool("v", false, "show what the nodes log")
	flag.Parse()
	logger := slog.New(slog.DiscardHandler)
	if *verbose {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	var err error
	if words := flag.Args(); len(words) == 3 && words[0] == "backend" {
		err = serveBackend(ctx, words[1], words[2])
	} else {
		err = run(ctx, logger)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sticky-proxy:", err)
		os.Exit(1)
	}
}

// run tells the story.
func run(ctx context.Context, logger *slog.Logger) (err error) {
	directory, err := os.MkdirTemp("", "coordd-sticky-proxy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	ports, err := freeAddresses(3)
	if err != nil {
		return err
	}
	nodes, err := startCluster(ctx, settings{directory: directory, peers: ports, logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nodes.stop()) }()
	fmt.Println("A lock service of three nodes runs in this process.")
	cluster, err := client.Dial(ctx, client.Options{Endpoints: nodes.endpoints()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	pool := cluster.Pool(poolName)
	if _, err := pool.Create(ctx, client.PoolSettings{Partitions: 256, Debounce: 200 * time.Millisecond}); err != nil {
		return err
	}
	s := &story{pool: pool, endpoints: strings.Join(nodes.endpoints(), ","), backends: map[string]*process{}}
	defer s.killAll()
	if s.router, err = pool.Router(ctx); err != nil {
		return err
	}
	defer s.router.Close()
	address, stop, err := startProxy(s.router)
	if err != nil {
		return err
	}
	defer stop()
	s.proxy = address
	return s.tell(ctx)
}

// story is the backends, the proxy, and the users who visit.
type story struct {
	pool             *client.Pool
	router           *client.Router
	endpoints, proxy string
	backends         map[string]*process
}

type process struct {
	command *exec.Cmd
	input   io.Closer // when it is closed, the backend leaves
}

var users = []string{"alice", "bernd", "chloe", "dmitri", "elena", "farid"}

func (s *story) tell(ctx context.Context) error {
	for _, id := range []string{"red", "green", "blue"} {
		if err := s.start(id); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	fmt.Println("\nThree backends, red, green and blue, share the users. Everybody visits three times:")
	for range 3 {
		if err := s.visitAll(ctx); err != nil {
			return err
		}
	}

	leaver := s.router.Lookup("alice").Owner.ID
	fmt.Printf("\n%s, where alice is, leaves in good order. Everybody visits while it does:\n", leaver)
	if err := s.backends[leaver].input.Close(); err != nil {
		return err
	}
	if err := s.visitAll(ctx); err != nil {
		return err
	}
	left := s.backends[leaver]
	delete(s.backends, leaver)
	if err := left.command.Wait(); err != nil {
		return fmt.Errorf("%s: %w", leaver, err)
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	fmt.Println("When it has left:")
	if err := s.visitAll(ctx); err != nil {
		return err
	}

	victim := s.router.Lookup("alice").Owner.ID
	fmt.Printf("\n%s, where alice is now, is killed. Everybody visits at once; whoever was there waits until its session of %v has ended:\n", victim, sessionTTL)
	dead := s.backends[victim]
	delete(s.backends, victim)
	if err := dead.command.Process.Kill(); err != nil {
		return err
	}
	_ = dead.command.Wait() // it was killed, which counts as a failure
	if err := s.visitAll(ctx); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	fmt.Println("Once more:")
	if err := s.visitAll(ctx); err != nil {
		return err
	}
	fmt.Println("\nNobody saw an error. Who was at a backend that went lost what it had in its memory; nobody else noticed anything.")
	return nil
}

// visitAll lets every user visit once, one after the other.
func (s *story) visitAll(ctx context.Context) error {
	var seen []string
	for _, user := range users {
		began := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.proxy+"/", nil)
		if err != nil {
			return err
		}
		request.Header.Set("User", user)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		_ = answer.Body.Close()
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s was answered %s: %s", user, answer.Status, text)
		}
		word := fmt.Sprintf("%s: %s", user, text)
		if took := time.Since(began); took > 100*time.Millisecond {
			word += fmt.Sprintf(" (after %.1f s)", took.Seconds())
		}
		seen = append(seen, word)
	}
	fmt.Println("   ", strings.Join(seen, ", "))
	return nil
}

func (s *story) start(id string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(program, "backend", id, s.endpoints)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe() // it ends with this process, so that no backend is left behind
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	s.backends[id] = &process{command, input}
	return nil
}

func (s *story) killAll() {
	for _, backend := range s.backends {
		_ = backend.command.Process.Kill() // it may have ended
		_ = backend.command.Wait()
	}
}

// settle waits until the backends that there are share the users.
func (s *story) settle(ctx context.Context) error {
	for {
		info, err := s.pool.Info(ctx)
		if err != nil {
			return err
		}
		shared := info.Settled() && len(info.Workers) == len(s.backends)
		for _, one := range info.Workers {
			shared = shared && s.backends[one.ID] != nil && one.Owned > 0
		}
		if shared {
			return s.router.Await(ctx, info.Version)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
