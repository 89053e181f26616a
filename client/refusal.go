package client

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/coordd/coordd/transport/resp/wire"
)

// refusal makes the error for people of what the cluster answered to a request about a lock.
func refusal(name string, err error) error {
	var refused *ServerError
	var lost *LostError
	details := detailsOf(err)
	switch {
	case errors.As(err, &lost):
		return err
	case !errors.As(err, &refused):
	case refused.Code == "HELD":
		return heldError(name, details)
	case refused.Code == "DEADLOCK":
		return deadlockError(name, details)
	case refused.Code == "CONFLICT":
		return &ConflictError{Name: cmp.Or(details.text("name"), name), Mode: Mode(details.text("mode")), Limit: int(details.number("limit")),
			Used: int(details.number("used")), Permits: int(details.number("permits")), Text: refused.Text}
	case refused.Code == "NOTHELD":
		return &LostError{Name: name, Reason: LossReason(cmp.Or(details.text("reason"), "not_held")), cause: err}
	}
	return fmt.Errorf("lock %q: %w", name, err)
}

func heldError(name string, details fields) *HeldError {
	return &HeldError{
		Name: cmp.Or(details.text("name"), name), Mode: Mode(details.text("mode")), Holder: cmp.Or(details.text("holder"), "another"), Session: details.text("session"),
		Owner: details.text("owner"), Client: details.text("client"), Metadata: details.text("meta"), ID: details.text("waiter"), Token: details.token("token"),
		Remaining: details.span("remaining_ms"), Queued: int(details.number("queued")), Holders: int(details.number("holders")), Used: int(details.number("used")),
		Limit: int(details.number("limit")), Reserved: details.text("reserved"), Until: details.distance("until_ms", details.number("now_ms")),
	}
}

func deadlockError(name string, details fields) *DeadlockError {
	deadlock := &DeadlockError{Name: cmp.Or(details.text("name"), name)}
	for _, step := range details.list("cycle") {
		f := mapOf(step)
		deadlock.Cycle = append(deadlock.Cycle, DeadlockStep{Session: f.text("session"), Owner: f.text("owner"), WaitsFor: f.text("waits_for"),
			HeldBySession: f.text("held_by_session"), HeldByOwner: f.text("held_by_owner")})
	}
	return deadlock
}

// lossOf reads what the cluster says of a hold that ended although its holder did not ask for it.
func lossOf(told wire.Value) *LostError {
	f := mapOf(told)
	return &LostError{Name: f.text("name"), Token: f.token("token"), Reason: LossReason(f.text("reason")), Actor: f.text("actor"), Why: f.text("why"),
		Reserved: f.number("until_ms") != 0}
}
