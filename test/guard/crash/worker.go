package crash

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/test/guard/store"
)

// Command is the subcommand of the program under which a worker runs.
const Command = "worker"

// What a worker says, one JSON line for each event.
const (
	granted  = "granted"
	repaired = "repaired" // the pair was half done
	between  = "between"  // the first of two rows is written, and the worker waits
	written  = "written"
	refused  = "refused" // by the guard
	lost     = "lost"    // the session is; a new one is opened
	fault    = "fault"
)

type line struct {
	Event string `json:"event"`
	Token uint64 `json:"token,omitempty"`
	AtUS  int64  `json:"at_us"` // Unix microseconds of this machine
	Text  string `json:"text,omitempty"`
}

// worker is the process's state. The word "stop" on its input makes it wait between its next two rows, and "go" ends that.
type worker struct {
	name, lock string
	ttl        time.Duration
	cluster    *client.Client
	store      *store.Store
	out        *json.Encoder
	toStop     atomic.Bool
	goOn       chan struct{}
}

// RunWorker works until its input ends.
func RunWorker(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	set := flag.NewFlagSet(Command, flag.ContinueOnError)
	name := set.String("name", "", "how the history calls this worker")
	lock := set.String("lock", "", "the lock")
	endpoint := set.String("endpoint", "", "where the cluster is reached")
	dsn := set.String("dsn", "", "where the store is reached")
	ttl := set.Duration("ttl", 2*time.Second, "of sessions")
	if err := set.Parse(args); err != nil {
		return err
	}
	cluster, err := client.Dial(ctx, client.Options{Endpoints: []string{*endpoint}, Name: *name})
	if err != nil {
		return err
	}
	resource, err := store.Open(ctx, *dsn, true, nil)
	if err != nil {
		return err
	}
	resource.DB.SetMaxOpenConns(2)
	w := &worker{name: *name, lock: *lock, ttl: *ttl, cluster: cluster, store: resource, out: json.NewEncoder(out), goOn: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer stop()
		for lines := bufio.NewScanner(in); lines.Scan(); {
			if strings.TrimSpace(lines.Text()) == "stop" {
				w.toStop.Store(true)
			} else {
				w.goOn <- struct{}{}
			}
		}
	}()
	for ctx.Err() == nil {
		w.session(ctx)
	}
	return cluster.Close()
}

func (w *worker) say(event string, token uint64, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	_ = w.out.Encode(line{event, token, time.Now().UnixMicro(), text}) // without a reader the driver has ended, and this process with it
}

// breath is what a worker takes between its turns, so that many of them leave the machine time for the cluster and the database.
const breath = 50 * time.Millisecond

// session takes turns until the session is lost.
func (w *worker) session(ctx context.Context) {
	session, err := w.cluster.OpenSession(ctx, client.SessionOptions{TTL: w.ttl})
	for err == nil {
		err = w.turn(ctx, session)
	}
	switch {
	case ctx.Err() != nil && session == nil: // it ends before it could begin
	case ctx.Err() != nil:
		_ = session.Close(context.WithoutCancel(ctx)) // it ends by itself otherwise
	case errors.Is(err, client.ErrLost):
		w.say(lost, 0, err)
	case errors.Is(err, guard.ErrStale):
		w.say(refused, 0, err)
		_ = session.Close(ctx) // it is lost already
	default:
		w.say(fault, 0, err)
	}
}

// turn takes the lock, repairs what its predecessor left half done, and writes both rows. It writes on when the lock is lost meanwhile, as careless programs do.
func (w *worker) turn(ctx context.Context, session *client.Session) error {
	held, err := session.Lock(ctx, w.lock)
	if err != nil {
		return err
	}
	w.say(granted, held.Token(), nil)
	fence, ended := guard.Of(held), ctx.Done()
	ctx = context.WithoutCancel(ctx) // whoever is told to end ends after its turn
	first, second, err := w.store.Pair(ctx, w.lock)
	if err != nil {
		return err
	}
	if first != second {
		if err := w.store.Write(ctx, fence, w.name, 2, first, false); err != nil {
			return err
		}
		w.say(repaired, held.Token(), nil)
	}
	if err := w.store.Write(ctx, fence, w.name, 1, first+1, false); err != nil {
		return err
	}
	if w.toStop.Swap(false) {
		w.say(between, held.Token(), nil)
		select {
		case <-w.goOn:
		case <-ended:
		}
	}
	if err := w.store.Write(ctx, fence, w.name, 2, first+1, false); err != nil {
		return err
	}
	w.say(written, held.Token(), nil)
	if err := held.Release(ctx); err != nil {
		return err
	}
	time.Sleep(breath)
	return nil
}
