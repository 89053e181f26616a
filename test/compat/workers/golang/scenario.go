package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// scenarioTTL is long enough for every step but the last.
	scenarioTTL = 10 * time.Second
	// expiryTTL leaves redsync, which gives an attempt a twentieth of it, 100 ms.
	expiryTTL = 2 * time.Second
	// expiryLateness is how much later than its TTL a lock may end.
	expiryLateness = 2 * time.Second
)

// scenario takes one lock through its life with two clients of one library.
type scenario struct {
	first, second lockClient
	name          string
	fence         bool

	held  heldLock
	token int64
}

// run runs every step and says how each went; it stops at the first that
// fails, since the later ones rest on it.
func (s *scenario) run(ctx context.Context) bool {
	steps := []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"acquire", s.acquire}, {"contend", s.contend}, {"extend", s.extend}, {"release", s.release}, {"expire", s.expire},
	}
	for _, step := range steps {
		detail, err := step.run(ctx)
		if err != nil {
			detail = err.Error()
		}
		say(line{Event: "check", Step: step.name, OK: err == nil, Detail: detail})
		if err != nil {
			return false
		}
	}
	return true
}

func (s *scenario) acquire(ctx context.Context) (string, error) {
	var err error
	if s.held, err = s.first.Acquire(ctx, s.name, scenarioTTL); err != nil {
		return "", fmt.Errorf("acquire a free lock: %w", err)
	}
	if err := s.mustHold(ctx, s.held); err != nil {
		return "", err
	}
	remaining, err := integer(s.first.Do(ctx, "PTTL", s.name))
	if err != nil || remaining <= 0 || remaining > scenarioTTL.Milliseconds() {
		return "", fmt.Errorf("PTTL after the acquire: got %d (%v), want more than 0 and at most %d", remaining, err, scenarioTTL.Milliseconds())
	}
	s.token, err = s.readToken(ctx, s.held)
	return fmt.Sprintf("token %d", s.token), err
}

func (s *scenario) contend(ctx context.Context) (string, error) {
	if _, err := s.second.TryAcquire(ctx, s.name, scenarioTTL); !errors.Is(err, errContended) {
		return "", fmt.Errorf("a second client's acquire: got %v, want the library's refusal", err)
	}
	return "", s.mustHold(ctx, s.held)
}

func (s *scenario) extend(ctx context.Context) (string, error) {
	time.Sleep(300 * time.Millisecond)
	before, err := integer(s.first.Do(ctx, "PTTL", s.name))
	if err != nil {
		return "", err
	}
	if err := s.held.Extend(ctx); err != nil {
		return "", fmt.Errorf("extend an own lock: %w", err)
	}
	after, err := integer(s.first.Do(ctx, "PTTL", s.name))
	if err != nil || after <= before {
		return "", fmt.Errorf("PTTL was %d before and is %d after the extension (%v); want more", before, after, err)
	}
	token, err := s.readToken(ctx, s.held)
	if err != nil || token != s.token {
		return "", fmt.Errorf("the token was %d and is %d after the extension (%v); want the same", s.token, token, err)
	}
	return fmt.Sprintf("%d ms to %d ms", before, after), nil
}

func (s *scenario) release(ctx context.Context) (string, error) {
	if err := s.held.Release(ctx); err != nil {
		return "", fmt.Errorf("release an own lock: %w", err)
	}
	if count, err := integer(s.first.Do(ctx, "EXISTS", s.name)); err != nil || count != 0 {
		return "", fmt.Errorf("EXISTS after the release: got %d (%v), want 0", count, err)
	}
	if err := s.held.Release(ctx); !errors.Is(err, errNotOwned) {
		return "", fmt.Errorf("a second release: got %v, want the library's refusal", err)
	}
	next, err := s.second.Acquire(ctx, s.name, scenarioTTL)
	if err != nil {
		return "", fmt.Errorf("acquire after the release: %w", err)
	}
	token, err := s.readToken(ctx, next)
	if err != nil || (s.fence && token <= s.token) {
		return "", fmt.Errorf("the token was %d and is %d after the next acquire (%v); want more", s.token, token, err)
	}
	if err := s.held.Extend(ctx); !errors.Is(err, errNotOwned) {
		return "", fmt.Errorf("the former holder's extension: got %v, want the library's refusal", err)
	}
	if err := s.mustHold(ctx, next); err != nil {
		return "", err
	}
	return fmt.Sprintf("token %d to %d", s.token, token), next.Release(ctx)
}

func (s *scenario) expire(ctx context.Context) (string, error) {
	sent := time.Now()
	old, err := s.first.Acquire(ctx, s.name, expiryTTL)
	if err != nil {
		return "", fmt.Errorf("acquire a lock to let it expire: %w", err)
	}
	next, err := s.second.TryAcquire(ctx, s.name, scenarioTTL)
	for errors.Is(err, errContended) && time.Since(sent) < expiryTTL+2*expiryLateness {
		time.Sleep(20 * time.Millisecond)
		next, err = s.second.TryAcquire(ctx, s.name, scenarioTTL)
	}
	waited := time.Since(sent)
	if err != nil {
		return "", fmt.Errorf("acquire after the expiry: %w (after %v)", err, waited)
	}
	if waited < expiryTTL || waited > expiryTTL+expiryLateness {
		return "", fmt.Errorf("a lock of %v went to the next holder after %v", expiryTTL, waited)
	}
	if err := old.Release(ctx); !errors.Is(err, errNotOwned) {
		return "", fmt.Errorf("the release of an expired lock: got %v, want the library's refusal", err)
	}
	if err := s.mustHold(ctx, next); err != nil {
		return "", err
	}
	return fmt.Sprintf("after %v", waited.Round(time.Millisecond)), next.Release(ctx)
}

func (s *scenario) mustHold(ctx context.Context, lock heldLock) error {
	holder, err := text(s.first.Do(ctx, "GET", s.name))
	if err != nil || holder != lock.Holder() {
		return fmt.Errorf("GET: got %q (%v), want the holder %q", holder, err, lock.Holder())
	}
	return nil
}

// readToken reads the fencing token in each way that a client has.
func (s *scenario) readToken(ctx context.Context, lock heldLock) (int64, error) {
	if !s.fence {
		return 0, nil
	}
	token, err := integer(s.first.Do(ctx, "FENCE", s.name, lock.Holder()))
	if err != nil || token <= 0 {
		return 0, fmt.Errorf("FENCE with the holder's value: got %d (%v), want a token", token, err)
	}
	companion, err := integer(s.first.Do(ctx, "GET", "coordd:fence:"+s.name))
	if err != nil || companion != token {
		return 0, fmt.Errorf("GET of the companion key: got %d (%v), want %d as FENCE said", companion, err, token)
	}
	return token, nil
}
