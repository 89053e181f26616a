package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/go-redsync/redsync/v4"
	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	goredislib "github.com/redis/go-redis/v9"

	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

func main() {
	etcd := len(os.Args) > 1 && os.Args[1] == "etcd"
	if err := serve(etcd, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve runs an assignment, against etcd or against Redis servers.
func serve(etcd bool, input io.Reader, output io.Writer) error {
	lines := bufio.NewReader(input)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no assignment on standard input: %w", err)
	}
	var assignment clients.Assignment
	if err := json.Unmarshal(line, &assignment); err != nil {
		return fmt.Errorf("the assignment cannot be read: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, lines)
	}()
	writer := history.NewWriter(output)
	if etcd {
		return runEtcd(ctx, assignment, writer)
	}
	locks := redsync.New(pools(assignment.Endpoints)...)
	var acting sync.WaitGroup
	for number := range actors {
		acting.Go(func() { newActor(assignment, locks, writer, number).act(ctx) })
	}
	acting.Wait()
	return nil
}

// actors is how many there are in each process.
const actors = 3

// pools are connections to each server by itself: Redlock votes among them, and with one address there is nothing to vote about.
func pools(endpoints []string) []redsyncredis.Pool {
	var all []redsyncredis.Pool
	for _, endpoint := range endpoints {
		all = append(all, goredis.NewPool(goredislib.NewClient(&goredislib.Options{Addr: endpoint, DialTimeout: 300 * time.Millisecond})))
	}
	return all
}

type actor struct {
	assignment clients.Assignment
	locks      *redsync.Redsync
	record     *history.Recorder
	store      *store.Client
	random     *rand.Rand
	name       string
	made       int
}

func newActor(assignment clients.Assignment, locks *redsync.Redsync, writer *history.Writer, number int) *actor {
	name := fmt.Sprintf("%s/%s/%d", assignment.Process, compared, number)
	return &actor{
		assignment: assignment, locks: locks, record: history.NewRecorder(writer, name, compared), store: &store.Client{Address: assignment.Store},
		random: rand.New(rand.NewPCG(assignment.Seed, uint64(number))), name: name,
	}
}

// compared is the workload in the history.
const compared = "fenced-register"

func (a *actor) act(ctx context.Context) {
	for ctx.Err() == nil {
		a.once(ctx)
		a.rest(20 * time.Millisecond)
	}
}

// once changes a register under a lock, as the workload fenced-register does with coordd.
func (a *actor) once(ctx context.Context) {
	key := fmt.Sprintf("%s/0/%d", compared, a.random.IntN(cmp.Or(a.assignment.Registers, workload.DefaultRegisters)))
	a.made++
	value := fmt.Sprintf("%s/%d", a.name, a.made)
	mutex := a.locks.NewMutex(key, redsync.WithExpiry(a.assignment.TTL), redsync.WithTries(1), redsync.WithGenValueFunc(func() (string, error) { return value, nil }))
	op := a.record.Invoke(history.Event{Op: workload.OpSetNX, Key: key, Holder: value, TTL: a.assignment.TTL.Milliseconds()})
	if err := mutex.LockContext(context.WithoutCancel(ctx)); err != nil {
		a.record.End(op, history.Fail, err)
		return
	}
	a.record.End(op, history.OK, nil)
	a.change(ctx, key, value)
	op = a.record.Invoke(history.Event{Op: workload.OpUnlock, Key: key, Holder: value})
	released, err := mutex.UnlockContext(context.WithoutCancel(ctx))
	switch {
	case err == nil && released:
		a.record.End(op, history.OK, nil)
	case err == nil:
		a.record.End(op, history.Fail, nil)
	default:
		a.record.End(op, history.Info, err)
	}
}

// change reads the register, thinks, and writes. There is no token.
func (a *actor) change(ctx context.Context, key, value string) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	request := store.Request{Process: a.name, Key: key}
	read, err := a.store.Do(limit, request)
	if err != nil {
		return
	}
	a.rest(cmp.Or(a.assignment.Think, workload.DefaultThink))
	request.Write, request.Base, request.Value = true, read.Value, value
	_, _ = a.store.Do(limit, request) // the store writes down what it did
}

func (a *actor) rest(most time.Duration) {
	time.Sleep(most/10 + time.Duration(a.random.Int64N(int64(most))))
}
