package workload

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/bent"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
)

// Workload is one of the things that clients do.
type Workload struct {
	Name  string
	About string
	// Actors is how many of them each client process runs.
	Actors int
	// Act runs one actor until ctx ends.
	Act func(ctx context.Context, a *Actor)
}

// All are the workloads, in the order in which they are listed.
var All = []Workload{
	{"lock", "native locks in sessions: try, hold, release", 3, lockActor},
	{"keepers", "native locks that are held for longer than a time to live, kept by renewals", 2, keeperActor},
	{"leases", "native locks without a session, renewed and given back by their tokens, at times twice", 2, leaseActor},
	{"fenced-register", "read, think, write to a register outside of the cluster, under a lock, with and without looking at its token", 3, fencedActor},
	{"expiry", "leases that nobody renews any more: how soon, and how late, another gets the lock", 3, expiryActor},
	{"redis", "SET NX PX, FENCE, GET and compare-and-delete by script, as Redis lock libraries do", 3, redisActor},
	{"waiters", "locks that many wait for, first in, first out", 3, waitersActor},
	{"shared", "locks that readers have together and writers alone, tried and waited for", 2, sharedActor},
	{"semaphore", "one to all of three permits, tried and waited for", 2, semaphoreActor},
	{"multi", "several locks together, all or none, beside the same locks alone", 2, multiActor},
	{"election", "campaign, proclaim, look and observe who leads, hand over, resign", 3, electionActor},
	{"exactly-once", "numbered acquires that are sent again, at once and when they are over", 2, onceActor},
	{"admin", "locks that operators take from their holders, and sessions that they end, without haste", 2, adminActor},
	{"pool", "workers join a pool, write under the tokens of their partitions, leave, restart and come back; routers look owners up", 3, poolActor},
	{"counter", "INCR: each at most once, and none that was acknowledged is missing", 2, counterActor},
	{"register", "SET, GET and SET IFEQ: every answer fits one order of all", 3, registerActor},
}

// Find finds a workload by its name.
func Find(name string) (Workload, error) {
	for _, one := range All {
		if one.Name == name {
			return one, nil
		}
	}
	return Workload{}, fmt.Errorf("there is no workload %q; the workloads are %v", name, Names())
}

// Names lists the workloads.
func Names() []string {
	var names []string
	for _, one := range All {
		names = append(names, one.Name)
	}
	return names
}

// Surroundings are what the actors of one client process share.
type Surroundings struct {
	// Process is the name of the client process, different for each that ever runs.
	Process string
	Cluster *client.Client
	Writer  *history.Writer
	Store   *store.Client
	// Clock is what Cluster measures leases with; nil is the true one.
	Clock *bent.Clock
	// TTL is that of sessions and leases.
	TTL time.Duration
	// Think is how long an actor of fenced-register thinks at most between reading and writing; 0 is DefaultThink.
	Think time.Duration
	// Registers is how many it has; 0 is DefaultRegisters.
	Registers int
	// Patience is how long an actor waits for one answer; 0 is DefaultPatience.
	Patience time.Duration
	// Start is the instant from which names change, the same for all processes.
	Start int64
	Seed  uint64
}

// Actor is one of them.
type Actor struct {
	*Surroundings
	Record *history.Recorder
	Random *rand.Rand

	workload string
	number   int
	made     int
}

// NewActor makes an actor of a workload.
func NewActor(around *Surroundings, workload string, number int) *Actor {
	name := fmt.Sprintf("%s/%s/%d", around.Process, workload, number)
	seed := around.Seed
	for _, b := range []byte(name) {
		seed = seed*31 + uint64(b)
	}
	return &Actor{
		Surroundings: around, Record: history.NewRecorder(around.Writer, name, workload), Random: rand.New(rand.NewPCG(seed, 1)),
		workload: workload, number: number,
	}
}

// How long a name is used. A lock whose holder is stopped must still be wanted after its time to live.
const (
	epoch     = 4 * time.Second
	longEpoch = 30 * time.Second
)

// name chooses one of so many names of this epoch.
func (a *Actor) name(count int) string { return a.nameOf(count, epoch) }

func (a *Actor) nameOf(count int, epoch time.Duration) string {
	era := (history.Now() - a.Start) / int64(epoch)
	return fmt.Sprintf("%s/%d/%d", a.workload, era, a.Random.IntN(count))
}

// unique is a text that nothing in the run has used.
func (a *Actor) unique() string {
	a.made++
	return fmt.Sprintf("%s/%s/%d/%d", a.Process, a.workload, a.number, a.made)
}

// span draws a time between a tenth of the most and a little more than the most.
func (a *Actor) span(most time.Duration) time.Duration {
	return most/10 + time.Duration(a.Random.Int64N(int64(most)))
}

// rest waits for such a time.
func (a *Actor) rest(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(a.span(most))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// DefaultPatience is how long an actor waits for one answer.
const DefaultPatience = 6 * time.Second

func (a *Actor) patience() time.Duration { return cmp.Or(a.Patience, DefaultPatience) }

// limited is the context of one question. It goes on when the actor was told to stop, so that its last operation may end well.
func (a *Actor) limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), a.patience())
}

// outcome is how an operation with that error ended.
func outcome(err error) history.Type {
	switch {
	case err == nil:
		return history.OK
	case client.Definite(err):
		return history.Fail
	}
	return history.Info
}

func milliseconds(span time.Duration) string { return strconv.FormatInt(span.Milliseconds(), 10) }
