package holder

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/test/guard/store"
)

// Order is a line that tells a holder what to do.
type Order struct {
	Do      string   `json:"do"`
	Lock    string   `json:"lock,omitempty"`
	Token   uint64   `json:"token,omitempty"`   // of a write; 0 is the one last granted
	Version int64    `json:"version,omitempty"` // of a write
	Part    int      `json:"part,omitempty"`    // of a write; 0 is the first
	Current bool     `json:"current,omitempty"` // a write asks the cluster too
	Stop    bool     `json:"stop,omitempty"`    // check the lock, then stop this process, then write
	Args    []string `json:"args,omitempty"`    // of a command
}

// Answer is the line that answers an order.
type Answer struct {
	Token     uint64 `json:"token,omitempty"`
	Remaining int64  `json:"remaining_ms,omitempty"`
	AtUS      int64  `json:"at_us"`               // when it was done, in Unix microseconds of this machine
	LostUS    int64  `json:"lost_us,omitempty"`   // when the lock's context ended
	Refused   bool   `json:"refused,omitempty"`   // the guard refused the token
	Text      string `json:"text,omitempty"`      // of a command's answer
	Error     string `json:"error,omitempty"`     // what went wrong
	IsLost    bool   `json:"is_lost,omitempty"`   // the error is that the session is lost
	Certainly bool   `json:"certainly,omitempty"` // a check found time left before the process was stopped
}

// obedient is what a holder process has.
type obedient struct {
	name    string
	ttl     time.Duration
	cluster *client.Client
	session *client.Session
	held    *client.Held
	lost    chan int64 // when the held lock's context ended
	token   uint64
	store   *store.Store
}

// Run serves orders until its input ends.
func Run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	set := flag.NewFlagSet("holder", flag.ContinueOnError)
	name := set.String("name", "", "how the history calls this holder")
	endpoint := set.String("endpoint", "", "where the cluster is reached")
	dsn := set.String("dsn", "", "where the store is reached")
	ttl := set.Duration("ttl", 2*time.Second, "of sessions and leases")
	guarded := set.Bool("guarded", true, "whether writes go through the guard")
	if err := set.Parse(args); err != nil {
		return err
	}
	cluster, err := client.Dial(ctx, client.Options{Endpoints: []string{*endpoint}, Name: *name})
	if err != nil {
		return err
	}
	resource, err := store.Open(ctx, *dsn, *guarded, guard.Cluster(cluster))
	if err != nil {
		return err
	}
	p := &obedient{name: *name, ttl: *ttl, cluster: cluster, store: resource}
	lines, answers := bufio.NewScanner(in), json.NewEncoder(out)
	for lines.Scan() {
		var order Order
		if err := json.Unmarshal(lines.Bytes(), &order); err != nil {
			return err
		}
		if err := answers.Encode(p.obey(ctx, order)); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (p *obedient) obey(ctx context.Context, order Order) (answer Answer) {
	var err error
	switch order.Do {
	case "open":
		p.session, err = p.cluster.OpenSession(ctx, client.SessionOptions{TTL: p.ttl})
	case "lock", "trylock":
		err = p.lock(ctx, order)
	case "lease":
		err = p.lease(ctx, order.Lock)
	case "write":
		answer.Certainly, err = p.write(ctx, order)
	case "release":
		err = p.held.Release(ctx)
	case "lost":
		select {
		case answer.LostUS = <-p.lost:
		case <-ctx.Done():
		}
	case "alive":
		err = context.Cause(p.held.Context())
	case "command":
		answer.Text, err = p.command(ctx, order.Args)
	default:
		err = fmt.Errorf("a holder cannot %q", order.Do)
	}
	answer.Token, answer.AtUS = p.token, time.Now().UnixMicro()
	if p.held != nil {
		answer.Remaining = p.held.Remaining().Milliseconds()
	}
	if err != nil {
		answer.Error, answer.Refused, answer.IsLost = err.Error(), errors.Is(err, guard.ErrStale), errors.Is(err, client.ErrLost)
	}
	return answer
}

func (p *obedient) lock(ctx context.Context, order Order) (err error) {
	take := p.session.Lock
	if order.Do == "trylock" {
		take = p.session.TryLock
	}
	p.held, err = take(ctx, order.Lock)
	if err != nil {
		return err
	}
	p.token = p.held.Token()
	lost := make(chan int64, 1)
	p.lost = lost
	context.AfterFunc(p.held.Context(), func() { lost <- time.Now().UnixMicro() })
	return nil
}

// lease takes a lock that lives for its TTL and is never renewed, and checks as Redis lock libraries do whether the answer came early enough.
func (p *obedient) lease(ctx context.Context, lock string) error {
	begun := time.Now()
	answer, err := p.cluster.Do(ctx, "LOCK.ACQUIRE", lock, "PX", fmt.Sprint(p.ttl.Milliseconds()))
	if err != nil {
		return err
	}
	token, found := answer.Lookup("token")
	number, ok := token.Int()
	if !found || !ok {
		return errors.New("the answer has no token")
	}
	p.held, p.token = nil, uint64(number)
	if time.Since(begun) > p.ttl {
		return errors.New("the answer came too late")
	}
	return nil
}

func (p *obedient) write(ctx context.Context, order Order) (certainly bool, err error) {
	token := order.Token
	if token == 0 {
		token = p.token
	}
	fence, err := guard.New(order.Lock, token)
	if err != nil {
		return false, err
	}
	if order.Stop {
		certainly = p.held == nil || p.held.Remaining() > 0
		if err := stopMyself(); err != nil {
			return certainly, err
		}
	}
	return certainly, p.store.Write(ctx, fence, p.name, max(1, order.Part), order.Version, order.Current)
}

// stopMyself stops this process until somebody resumes it. The signal may reach another thread first, and this one would run on meanwhile, so it waits for the resumption itself.
func stopMyself() error {
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, syscall.SIGCONT)
	defer signal.Stop(resumed)
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		return err
	}
	<-resumed
	return nil
}

func (p *obedient) command(ctx context.Context, args []string) (string, error) {
	answer, err := p.cluster.Do(ctx, args...)
	if number, ok := answer.Int(); ok {
		return fmt.Sprint(number), err
	}
	return string(answer.Text), err
}
