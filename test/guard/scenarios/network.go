package scenarios

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/test/guard/holder"
	"github.com/coordd/coordd/test/guard/link"
)

// K2. Nothing is stopped: the write of a lease that is not renewed stays in the network until the next holder has written.
func delayedPacket(ctx context.Context, s *stage) error {
	old, err := s.delayedWriter(ctx, "old")
	if err != nil {
		return err
	}
	if _, _, err := s.takeAndWrite(ctx, "new"); err != nil {
		return err
	}
	old.store.Pass(link.ToServer)
	late, err := old.Answer(ctx)
	if err != nil {
		return err
	}
	s.stale(old, late)
	return nil
}

// delayedWriter is a holder with a lease, whose write is on the way to the store and is kept there.
func (s *stage) delayedWriter(ctx context.Context, name string) (*actor, error) {
	a, err := s.actor(ctx, name, false)
	if err != nil {
		return nil, err
	}
	if _, err := a.Must(ctx, holder.Order{Do: "lease", Lock: s.lock}); err != nil {
		return nil, err
	}
	a.store.Hold(link.ToServer)
	if err := a.Tell(holder.Order{Do: "write", Lock: s.lock}); err != nil {
		return nil, err
	}
	return a, a.store.AwaitHeld(ctx, link.ToServer)
}

// K8. The newer write first, then the older; the other way round, which is in order; and by the rule "equals current" the older one as soon as the newer is granted.
func orderInversion(ctx context.Context, s *stage) error {
	old, err := s.delayedWriter(ctx, "old")
	if err != nil {
		return err
	}
	newer, _, err := s.takeAndWrite(ctx, "new")
	if err != nil {
		return err
	}
	old.store.Pass(link.ToServer)
	late, err := old.Answer(ctx)
	if err != nil {
		return err
	}
	s.stale(old, late)
	if _, err := newer.Must(ctx, holder.Order{Do: "release"}); err != nil {
		return err
	}

	if _, err := old.Must(ctx, holder.Order{Do: "lease", Lock: s.lock}); err != nil {
		return err
	}
	if _, err := newer.Must(ctx, holder.Order{Do: "lock", Lock: s.lock}); err != nil { // waits until the lease has ended
		return err
	}
	current, err := old.Ask(ctx, holder.Order{Do: "write", Lock: s.lock, Current: true})
	if err != nil {
		return err
	}
	s.expect(current.Refused == s.guarded, "by the rule \"equals current\", after the next grant and before its first write: %q", current.Error)
	if _, err := old.Must(ctx, holder.Order{Do: "write", Lock: s.lock}); err != nil { // in order: nobody newer was here
		return err
	}
	_, err = newer.Must(ctx, holder.Order{Do: "write", Lock: s.lock})
	return err
}

// K11. The cluster does not hear the holder, and the store does. The holder's context must end by its own clock before the next grant.
func cutFromCluster(ctx context.Context, s *stage) error {
	old, _, err := s.takeAndWrite(ctx, "old")
	if err != nil {
		return err
	}
	old.cluster.Cut()
	_, granted, err := s.takeAndWrite(ctx, "new")
	if err != nil {
		return err
	}
	told, err := old.Must(ctx, holder.Order{Do: "lost"})
	if err != nil {
		return err
	}
	s.note("told %d ms before the next grant", (granted.AtUS-told.LostUS)/1000)
	s.expect(told.LostUS < granted.AtUS, "the holder's context ended %d ms after the next grant", (told.LostUS-granted.AtUS)/1000)
	late, err := old.Ask(ctx, holder.Order{Do: "write", Lock: s.lock})
	if err != nil {
		return err
	}
	s.stale(old, late)
	return nil
}

// K14. The first in the queue dies there: nothing comes through from it and nothing to it. It must be told, and skipped.
func waiterDies(ctx context.Context, s *stage) error {
	old, _, err := s.takeAndWrite(ctx, "old")
	if err != nil {
		return err
	}
	var waiters [2]*actor
	for i := range waiters {
		if waiters[i], err = s.actor(ctx, "waiter-"+strconv.Itoa(i+1), true); err != nil {
			return err
		}
		if err := waiters[i].Tell(holder.Order{Do: "lock", Lock: s.lock}); err != nil {
			return err
		}
		if err := s.awaitQueue(ctx, i+1); err != nil {
			return err
		}
	}
	dying, next := waiters[0], waiters[1]
	dying.cluster.Hold(link.ToServer)
	dying.cluster.Hold(link.ToClient)
	answer, err := dying.Answer(ctx)
	if err != nil {
		return err
	}
	s.expect(answer.IsLost && answer.Token == 0, "the waiter that was cut off was told %q", answer.Error)
	if err := s.awaitQueue(ctx, 1); err != nil {
		return err
	}
	released, err := old.Must(ctx, holder.Order{Do: "release"})
	if err != nil {
		return err
	}
	granted, err := next.Answer(ctx)
	if err != nil {
		return err
	}
	s.expect(granted.Error == "" && granted.Token > released.Token, "the next waiter got token %d after %d: %s", granted.Token, released.Token, granted.Error)
	s.note("the next waiter had the lock %d ms after its release", (granted.AtUS-released.AtUS)/1000)
	if _, err := next.Must(ctx, holder.Order{Do: "write", Lock: s.lock}); err != nil {
		return err
	}
	late, err := old.Ask(ctx, holder.Order{Do: "write", Lock: s.lock})
	if err != nil {
		return err
	}
	s.stale(old, late)
	return nil
}

// K15. The answers to acquire, renew and release are lost, one after the other, and each request has one effect. Then an old release and an old write come once more.
func lostReplies(ctx context.Context, s *stage) error {
	old, err := s.actor(ctx, "old", true)
	if err != nil {
		return err
	}
	first, err := s.losing(ctx, old, "trylock", true)
	if err != nil {
		return err
	}
	granted, err := old.Answer(ctx)
	if err != nil {
		return err
	}
	s.expect(granted.Error == "" && granted.Token == uint64(first), "the repeated acquire got token %d (%s), and the cluster had granted %d", granted.Token, granted.Error, first)
	old.cluster.Lose(link.ToClient) // of a renewal
	if err := sleep(ctx, s.TTL/2); err != nil {
		return err
	}
	old.cluster.Pass(link.ToClient)
	if err := sleep(ctx, s.TTL); err != nil {
		return err
	}
	if _, err := old.Must(ctx, holder.Order{Do: "alive"}); err != nil {
		return err
	}
	if _, err := s.losing(ctx, old, "release", false); err != nil {
		return err
	}
	if answer, err := old.Answer(ctx); err != nil || answer.Error != "" {
		s.expect(false, "the repeated release: %v %s", err, answer.Error)
	}
	return s.replay(ctx, old, uint64(first))
}

// losing gives an order whose answers are lost, until the cluster has done it, and answers the token that the lock then has.
func (s *stage) losing(ctx context.Context, a *actor, do string, held bool) (int64, error) {
	a.cluster.Lose(link.ToClient)
	if err := a.Tell(holder.Order{Do: do, Lock: s.lock}); err != nil {
		return 0, err
	}
	token, err := s.awaitToken(ctx, held)
	a.cluster.Pass(link.ToClient)
	return token, err
}

// replay takes the lock twice more, as leases, and repeats the release and the write of the first one under the second.
func (s *stage) replay(ctx context.Context, old *actor, first uint64) error {
	earlier, err := s.leaseWhenFree(ctx, old)
	if err != nil {
		return err
	}
	s.expect(earlier.Token > first, "the lock was taken anew under token %d after %d", earlier.Token, first)
	release := holder.Order{Do: "command", Args: []string{"LOCK.RELEASE", s.lock, strconv.FormatUint(earlier.Token, 10)}}
	if _, err := old.Must(ctx, release); err != nil {
		return err
	}
	_, later, err := s.takeAndWrite(ctx, "new")
	if err != nil {
		return err
	}
	if _, err := old.Ask(ctx, release); err != nil { // however it is answered
		return err
	}
	token, err := s.awaitToken(ctx, true)
	if err != nil {
		return err
	}
	s.expect(uint64(token) == later.Token, "after an old release was repeated the lock has token %d, and %d holds it", token, later.Token)
	late, err := old.Ask(ctx, holder.Order{Do: "write", Lock: s.lock, Token: earlier.Token})
	if err != nil {
		return err
	}
	s.stale(old, late)
	return nil
}

// leaseWhenFree takes the lock as a lease as soon as it is free: the client makes sure after an unanswered acquire that nothing is left of it, and takes the lock for a moment to that end.
func (s *stage) leaseWhenFree(ctx context.Context, a *actor) (holder.Answer, error) {
	for {
		answer, err := a.Ask(ctx, holder.Order{Do: "lease", Lock: s.lock})
		if err != nil || answer.Error == "" {
			return answer, err
		}
		if !strings.HasPrefix(answer.Error, "HELD ") {
			return answer, errors.New(answer.Error)
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return answer, err
		}
	}
}
