package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coordd/coordd/test/compat/cluster"
	"github.com/coordd/coordd/test/compat/resp"
)

// restart kills all nodes at once under load and checks what is left.
type restart struct {
	rounds, clients int
	load            time.Duration
	run             int64
}

func restartCommand(set *flag.FlagSet) func(context.Context, *setup) error {
	r := &restart{run: time.Now().UnixMilli()}
	set.IntVar(&r.rounds, "rounds", 3, "how often all nodes are killed")
	set.IntVar(&r.clients, "clients", 16, "how many clients write meanwhile")
	set.DurationVar(&r.load, "load", 2*time.Second, "load before each kill")
	return r.start
}

func (r *restart) start(ctx context.Context, s *setup) error {
	servers, err := s.startOwn(ctx)
	if err != nil {
		return err
	}
	books := make([]*book, r.clients)
	for client := range books {
		books[client] = &book{prefix: fmt.Sprintf("restart:%d:%d:", r.run, client), fence: s.fence()}
	}
	count := tally{}
	for round := range r.rounds {
		if err := r.killAll(ctx, servers, books); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		problems, writes, err := r.audit(ctx, servers, books)
		if err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		s.printf("round %d: all nodes killed with %d acknowledged writes on the books; missing or wrong afterwards: %d\n", round+1, writes, len(problems))
		for _, problem := range firstFew(problems) {
			s.printf("  LOST %s\n", problem)
		}
		count.add(len(problems) == 0)
	}
	return count.end(s)
}

// killAll puts load on the servers, kills them all while it goes on, and
// starts them again.
func (r *restart) killAll(ctx context.Context, servers *cluster.Cluster, books []*book) error {
	loadCtx, stop := context.WithCancel(ctx)
	defer stop()
	var load sync.WaitGroup
	load.Go(func() {
		runLoad(loadCtx, servers.Address, r.clients, func(ctx context.Context, client int, c *loadClient) error {
			return books[client].write(ctx, c)
		})
	})
	if err := sleepUntil(ctx, time.Now().Add(r.load)); err != nil {
		return err
	}
	var kills sync.WaitGroup
	for _, node := range servers.Nodes {
		kills.Go(node.Kill)
	}
	kills.Wait()
	stop()
	load.Wait()
	for _, node := range servers.Nodes {
		if err := node.Start(); err != nil {
			return err
		}
	}
	return servers.WaitReady(ctx)
}

// audit compares the servers with every client's book.
func (r *restart) audit(ctx context.Context, servers *cluster.Cluster, books []*book) ([]string, int, error) {
	conn, err := resp.Dial(ctx, servers.Address)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	var problems []string
	writes := 0
	for _, book := range books {
		found, err := book.audit(conn)
		if err != nil {
			return nil, 0, err
		}
		problems = append(problems, found...)
		writes += book.writes - len(book.unknown) + int(book.counter)
	}
	return problems, writes, nil
}

// book is what one client was told, and so what must be there ever after.
type book struct {
	prefix string
	fence  bool
	// writes is how many keys were acknowledged, all of them numbered below it.
	writes int
	// unknown are numbers of keys whose write was not acknowledged.
	unknown map[int]bool
	// counter is the largest answer to INCR; sent is how many were sent.
	counter, sent int64
	// token is the largest fencing token that was read.
	token int64
	taken int
	// faults are answers that were wrong when they came.
	faults []string
}

// write writes one key, counts one up, and takes a lock of a name of its own.
func (b *book) write(ctx context.Context, c *loadClient) error {
	number := b.writes
	b.writes++
	if _, err := c.do(ctx, "SET", b.key(number), b.value(number)); err != nil {
		if b.unknown == nil {
			b.unknown = map[int]bool{}
		}
		b.unknown[number] = true
		return err
	}
	b.sent++
	value, err := c.do(ctx, "INCR", b.prefix+"counter")
	if err != nil {
		return err
	}
	b.counter, _ = value.Int()
	if !b.fence {
		return nil
	}
	b.taken++
	return b.take(ctx, c)
}

// take takes a lock that nobody else wants and notes its token.
func (b *book) take(ctx context.Context, c *loadClient) error {
	lock, holder := b.prefix+"lock", strconv.Itoa(b.taken)
	if _, err := c.do(ctx, "DEL", lock); err != nil {
		return err
	}
	if _, err := c.do(ctx, "SET", lock, holder, "NX", "PX", "600000"); err != nil {
		return err
	}
	value, err := c.do(ctx, "FENCE", lock, holder)
	if err != nil {
		return err
	}
	token, ok := value.Int()
	if !ok || token <= b.token {
		b.faults = append(b.faults, fmt.Sprintf("FENCE %s: got %s after token %d", lock, value, b.token))
		return nil
	}
	b.token = token
	return nil
}

func (b *book) key(number int) string   { return b.prefix + strconv.Itoa(number) }
func (b *book) value(number int) string { return "value-" + strconv.Itoa(number) }

// audit reads everything that was acknowledged, and takes the lock once more.
func (b *book) audit(conn *resp.Conn) ([]string, error) {
	problems := slices.Clone(b.faults)
	for number := range b.writes {
		value, err := conn.Do("GET", b.key(number))
		if err != nil {
			return nil, err
		}
		if !b.unknown[number] && value.Text != b.value(number) {
			problems = append(problems, fmt.Sprintf("GET %s: got %s, want %q", b.key(number), value, b.value(number)))
		}
	}
	counter, err := conn.Do("GET", b.prefix+"counter")
	if err != nil {
		return nil, err
	}
	if number, _ := counter.Int(); number < b.counter || number > b.sent {
		problems = append(problems, fmt.Sprintf("GET %scounter: got %s, want %d to %d", b.prefix, counter, b.counter, b.sent))
	}
	if !b.fence {
		return problems, nil
	}
	return b.auditToken(conn, problems)
}

func (b *book) auditToken(conn *resp.Conn, problems []string) ([]string, error) {
	lock := b.prefix + "lock"
	if _, err := conn.Do("DEL", lock); err != nil {
		return nil, err
	}
	if _, err := conn.Do("SET", lock, "audit", "NX"); err != nil {
		return nil, err
	}
	value, err := conn.Do("FENCE", lock, "audit")
	if err != nil {
		return nil, err
	}
	token, ok := value.Int()
	if !ok || token <= b.token {
		problems = append(problems, fmt.Sprintf("FENCE %s: got %s, want more than %d", lock, value, b.token))
	}
	b.token = max(b.token, token)
	return problems, nil
}
