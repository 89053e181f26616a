package scenarios

import (
	"context"
	"time"

	"github.com/coordd/coordd/test/guard/holder"
	"github.com/coordd/coordd/test/guard/link"
)

// K1. The holder is stopped while it holds the lock, for longer than its session lives.
func pauseWhileHolding(ctx context.Context, s *stage) error {
	old, _, err := s.takeAndWrite(ctx, "old")
	if err != nil {
		return err
	}
	if err := old.Pause(ctx); err != nil {
		return err
	}
	stopped := time.Now()
	if _, _, err := s.takeAndWrite(ctx, "new"); err != nil {
		return err
	}
	s.note("granted again %d ms after the stop", time.Since(stopped).Milliseconds())
	if err := sleep(ctx, s.TTL*3/2-time.Since(stopped)); err != nil {
		return err
	}
	resumed := time.Now()
	if err := old.Resume(); err != nil {
		return err
	}
	late, err := old.Ask(ctx, holder.Order{Do: "write", Lock: s.lock})
	if err != nil {
		return err
	}
	s.stale(old, late)
	told, err := old.Must(ctx, holder.Order{Do: "lost"})
	if err != nil {
		return err
	}
	delay := time.UnixMicro(told.LostUS).Sub(resumed)
	s.note("told %d ms after it woke", delay.Milliseconds())
	s.expect(delay < time.Second, "the holder was told only %v after it woke", delay)
	return nil
}

// K3. The check says that there is time left, and then the process is stopped.
func pauseAfterCheck(ctx context.Context, s *stage) error {
	old, _, err := s.takeAndWrite(ctx, "old")
	if err != nil {
		return err
	}
	return s.stopBetweenCheckAndWrite(ctx, old)
}

// K7. As K3, with a lease whose answer was found to be in time, as Redis lock libraries check it.
func pauseAfterElapsedCheck(ctx context.Context, s *stage) error {
	old, err := s.actor(ctx, "old", false)
	if err != nil {
		return err
	}
	if _, err := old.Must(ctx, holder.Order{Do: "lease", Lock: s.lock}); err != nil {
		return err
	}
	return s.stopBetweenCheckAndWrite(ctx, old)
}

func (s *stage) stopBetweenCheckAndWrite(ctx context.Context, old *actor) error {
	if err := old.Tell(holder.Order{Do: "write", Lock: s.lock, Stop: true}); err != nil {
		return err
	}
	if err := old.AwaitStopped(ctx); err != nil {
		return err
	}
	if _, _, err := s.takeAndWrite(ctx, "new"); err != nil {
		return err
	}
	if err := old.Resume(); err != nil {
		return err
	}
	late, err := old.Answer(ctx)
	if err != nil {
		return err
	}
	s.expect(late.Certainly, "the check found no time left, so this was no check that deceives")
	s.stale(old, late)
	return nil
}

// K6. The grant lies in the kernel's buffer while the process is stopped. The client must find it lost; a program that believes the buffered answer is for the guard.
func pauseDuringAcquire(ctx context.Context, s *stage) error {
	old, err := s.actor(ctx, "old", true)
	if err != nil {
		return err
	}
	old.cluster.Hold(link.ToClient)
	if err := old.Tell(holder.Order{Do: "trylock", Lock: s.lock}); err != nil { // on the connection that is there, whose greeting is over
		return err
	}
	token, err := s.awaitToken(ctx, true)
	if err != nil {
		return err
	}
	if err := old.Pause(ctx); err != nil {
		return err
	}
	old.cluster.Pass(link.ToClient)
	if _, _, err := s.takeAndWrite(ctx, "new"); err != nil {
		return err
	}
	if err := old.Resume(); err != nil {
		return err
	}
	answer, err := old.Answer(ctx)
	if err != nil {
		return err
	}
	s.expect(answer.IsLost, "a grant that was read after its end was reported as held: token %d, %q", answer.Token, answer.Error)
	late, err := old.Ask(ctx, holder.Order{Do: "write", Lock: s.lock, Token: uint64(token)})
	if err != nil {
		return err
	}
	s.stale(old, late)
	return nil
}
