package client

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

func answeredError(line string) error {
	return serverError(wire.Value{Type: wire.Error, Text: []byte(line)})
}

func TestRefusalsAreTyped(t *testing.T) {
	var held *HeldError
	err := refusal("job", answeredError(`HELD 'job' is held {"name":"job","mode":"semaphore","token":"90210","holder":"session 812-3","session":"812-3","owner":"o","client":"worker-7","waiter":"900-0",`+
		`"meta":"nightly {\"x\":1}","remaining_ms":1500,"queued":2,"holders":3,"limit":5,"used":4,"reserved":"delay","until_ms":10400,"now_ms":10000}`))
	want := HeldError{Name: "job", Mode: ModeSemaphore, Holder: "session 812-3", Session: "812-3", Owner: "o", Client: "worker-7", Metadata: `nightly {"x":1}`, ID: "900-0", Token: 90210,
		Remaining: 1500 * time.Millisecond, Queued: 2, Holders: 3, Used: 4, Limit: 5, Reserved: "delay", Until: 400 * time.Millisecond}
	if !errors.As(err, &held) || *held != want || !Definite(err) {
		t.Errorf("got %+v", err)
	}
	if text := err.Error(); !strings.Contains(text, "reserved (delay) for 400ms") {
		t.Errorf("text %q", text)
	}

	var deadlock *DeadlockError
	err = refusal("a", answeredError(`DEADLOCK no {"name":"a","cycle":[{"session":"1-0","owner":"x","waits_for":"a","held_by_session":"2-0","held_by_owner":"y"},{"session":"2-0","owner":"y","waits_for":"b","held_by_session":"1-0","held_by_owner":"x"}]}`))
	if !errors.As(err, &deadlock) || len(deadlock.Cycle) != 2 || deadlock.Cycle[1] != (DeadlockStep{"2-0", "y", "b", "1-0", "x"}) || !Definite(err) {
		t.Errorf("got %+v", err)
	}
	if text := err.Error(); !strings.Contains(text, `1-0/x waits for "a", 2-0/y waits for "b"`) {
		t.Errorf("text %q", text)
	}

	var conflict *ConflictError
	err = refusal("slots", answeredError(`CONFLICT 'slots' has 5 permits {"mode":"semaphore","limit":5,"used":4,"permits":1}`))
	if !errors.As(err, &conflict) || *conflict != (ConflictError{"slots", ModeSemaphore, 5, 4, 1, "CONFLICT 'slots' has 5 permits"}) || !Definite(err) {
		t.Errorf("got %+v", err)
	}

	var lost *LostError
	err = refusal("job", answeredError(`NOTHELD it is over {"reason":"max_hold"}`))
	if !errors.As(err, &lost) || lost.Reason != LossMaxHold || !errors.Is(err, ErrLost) {
		t.Errorf("got %+v", err)
	}
	var refused *ServerError
	if err := refusal("job", answeredError("LIMIT too much")); !errors.As(err, &refused) || refused.Code != "LIMIT" || !Definite(err) {
		t.Errorf("got %v", err)
	}
}

// Details that are missing, cut off or nonsense cost the details, never the sentence.
func TestDetailsThatCannotBeRead(t *testing.T) {
	for _, line := range []string{"HELD", "HELD by somebody", `HELD x {"name":`, `HELD x {"token":true,"queued":"many","remaining_ms":1.5}`, `HELD x {"name":{"a":[1,null]}}`} {
		var held *HeldError
		if err := refusal("job", answeredError(line)); !errors.As(err, &held) || held.Name != "job" || held.Holder != "another" || held.Queued != 0 || held.Remaining != 0 {
			t.Errorf("%q: %+v", line, err)
		}
	}
	if sentence, details := sentenceOf(`ERR a {b} c`); sentence != "ERR a {b} c" || details != nil {
		t.Errorf("%q, %q", sentence, details)
	}
}

func TestLossesSayHow(t *testing.T) {
	for want, loss := range map[string]*LostError{
		`session 8-0 and every lock it held are lost: no keepalive was answered in time`:              {Session: "8-0", Reason: LossUnrenewed},
		`session 8-0 and every lock it held are lost: the session was ended by an operator: stuck`:    {Session: "8-0", Reason: LossKilled, Why: "stuck"},
		`lock "job" (token 7) is lost: its hold was ended by force by ann: stuck`:                     {Name: "job", Token: 7, Reason: LossForced, Actor: "ann", Why: "stuck"},
		`lock "job" (token 7) is lost: it was held for as long as its max hold allows`:                {Name: "job", Token: 7, Reason: LossMaxHold},
		`lock "job" (token 7) is lost: its time was over`:                                             {Name: "job", Token: 7, Reason: LossExpired},
		`session 8-0 and every lock it held are lost: the cluster does not know the session any more`: {Session: "8-0", Reason: LossSessionEnded},
		`lock "job" (token 7) is lost: handed on by fate`:                                             {Name: "job", Token: 7, Reason: "handed_on", Actor: "fate"},
	} {
		if loss.Error() != want || !errors.Is(fmt.Errorf("x: %w", loss), ErrLost) {
			t.Errorf("got %q, want %q", loss, want)
		}
	}
}

func TestNoLeaderIsToldApart(t *testing.T) {
	err := &UnreachableError{Attempts: 10, Cause: answeredError("LOADING coordd has no leader; retry")}
	if !errors.Is(err, ErrNoLeader) || !Definite(err) {
		t.Errorf("got %v", err)
	}
	if errors.Is(&UnreachableError{Cause: errConnectionRefused}, ErrNoLeader) {
		t.Error("a refused connection says nothing about leaders")
	}
}
