package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"

	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// runEtcd takes locks as etcd's own package for that does: a session that is kept alive, and a mutex in it. The token is the revision at which the mutex was taken.
func runEtcd(ctx context.Context, assignment clients.Assignment, writer *history.Writer) error {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: assignment.Endpoints, DialTimeout: 300 * time.Millisecond, DialKeepAliveTime: 2 * time.Second, DialKeepAliveTimeout: time.Second, Logger: zap.NewNop(),
	})
	if err != nil {
		return err
	}
	defer client.Close()
	var acting sync.WaitGroup
	for number := range actors {
		acting.Go(func() {
			name := fmt.Sprintf("%s/%s/%d", assignment.Process, compared, number)
			a := &etcdActor{
				assignment: assignment, client: client, record: history.NewRecorder(writer, name, compared), store: &store.Client{Address: assignment.Store},
				random: rand.New(rand.NewPCG(assignment.Seed, uint64(number)+100*uint64(len(assignment.Process)))), name: name,
			}
			a.act(ctx)
		})
	}
	acting.Wait()
	return nil
}

type etcdActor struct {
	assignment clients.Assignment
	client     *clientv3.Client
	record     *history.Recorder
	store      *store.Client
	random     *rand.Rand
	name       string
	made       int
}

func (a *etcdActor) act(ctx context.Context) {
	for ctx.Err() == nil {
		session, err := a.open()
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		for ctx.Err() == nil && !over(session) {
			a.once(session)
			time.Sleep(a.upTo(40 * time.Millisecond))
		}
		limit, cancel := context.WithTimeout(context.Background(), time.Second)
		_, _ = a.client.Revoke(limit, session.Lease()) // it ends by itself otherwise
		cancel()
		session.Orphan()
	}
}

// limited is the context of one question to etcd, which has as long as one to coordd.
func (a *etcdActor) limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), cmp.Or(a.assignment.Patience, workload.DefaultPatience))
}

// open grants a lease within a bounded time, and keeps it alive from then on.
func (a *etcdActor) open() (*concurrency.Session, error) {
	limit, cancel := a.limited()
	defer cancel()
	seconds := int(max(1, a.assignment.TTL/time.Second))
	lease, err := a.client.Grant(limit, int64(seconds))
	if err != nil {
		return nil, err
	}
	return concurrency.NewSession(a.client, concurrency.WithLease(lease.ID), concurrency.WithTTL(seconds))
}

func over(session *concurrency.Session) bool {
	select {
	case <-session.Done():
		return true
	default:
		return false
	}
}

// once changes a register under a mutex, as the workload fenced-register does with coordd.
func (a *etcdActor) once(session *concurrency.Session) {
	key := fmt.Sprintf("%s/0/%d", compared, a.random.IntN(cmp.Or(a.assignment.Registers, workload.DefaultRegisters)))
	mutex := concurrency.NewMutex(session, "/"+key)
	op := a.record.Invoke(history.Event{Op: workload.OpAcquire, Key: key, Holder: fmt.Sprintf("%x", session.Lease())})
	limit, cancel := a.limited()
	err := mutex.TryLock(limit)
	cancel()
	switch {
	case errors.Is(err, concurrency.ErrLocked) || errors.Is(err, concurrency.ErrSessionExpired):
		a.record.End(op, history.Fail, err)
		return
	case err != nil:
		a.record.End(op, history.Info, err)
		return
	}
	op.Token, op.Until = mutex.Header().Revision, history.Now() // it counts on the lock for longer, as the release tells
	a.record.End(op, history.OK, nil)
	a.change(key, op.Token)
	a.release(session, mutex, key, op.Token)
}

// release gives the mutex back. Until its session says that it is over, a client of etcd counts on what it holds.
func (a *etcdActor) release(session *concurrency.Session, mutex *concurrency.Mutex, key string, token int64) {
	event := history.Event{Op: workload.OpRelease, Key: key, Token: token, Until: history.Now()}
	if over(session) {
		event.Op, event.Until = workload.OpLost, 0
		a.record.Note(event)
		return
	}
	op := a.record.Invoke(event)
	limit, cancel := a.limited()
	defer cancel()
	if err := mutex.Unlock(limit); err != nil {
		a.record.End(op, history.Info, err)
		return
	}
	a.record.End(op, history.OK, nil)
}

// change reads the register, thinks, and writes, with the token; the store has a twin that looks at none.
func (a *etcdActor) change(key string, token int64) {
	limit, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a.made++
	request := store.Request{Process: a.name, Key: key, Token: token}
	read, err := a.store.Do(limit, request)
	if err != nil || !read.Accepted {
		return
	}
	time.Sleep(a.upTo(cmp.Or(a.assignment.Think, workload.DefaultThink)))
	request.Write, request.Base, request.Value = true, read.Value, fmt.Sprintf("%s/%d", a.name, a.made)
	_, _ = a.store.Do(limit, request) // the store writes down what it did
}

func (a *etcdActor) upTo(most time.Duration) time.Duration {
	return most/10 + time.Duration(a.random.Int64N(int64(most)))
}
