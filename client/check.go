package client

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// MaxChecks is how many holds one Check may ask about.
const MaxChecks = 512

// Hold names a hold for [Client.Check]: by its ID, or by its Token when it is exclusive.
type Hold struct {
	Name  string
	ID    string
	Token uint64 // counts when ID is empty
}

func (h Hold) word() string {
	if h.ID != "" {
		return h.ID
	}
	return strconv.FormatUint(h.Token, 10)
}

// Checked is what the cluster says of a hold.
type Checked struct {
	Name      string
	Valid     bool
	State     string // "current" if valid; "stale": a later owner has the lock; "ended": nobody has it; "needs_waiter": a semaphore wants the hold's ID; "unknown": no such token was given
	Mode      Mode
	Token     uint64        // the current holder's; 0: none
	Remaining time.Duration // of the hold, when it is valid and has an end
}

// Check asks whether holds are current, all at one moment: at most MaxChecks of them. It is for resources that cannot keep the greatest token that they have seen, and for semaphores, whose holds
// have no order. The answers are in the order of the question.
func (c *Client) Check(ctx context.Context, holds ...Hold) (checked []Checked, err error) {
	if len(holds) == 0 {
		return nil, nil
	}
	words := []string{"FENCE.CHECK"}
	for _, hold := range holds {
		words = append(words, hold.Name, hold.word())
	}
	answer, _, err := c.request(ctx, c.repeated(), words...)
	if err != nil {
		return nil, err
	}
	for _, element := range elementsOf(answer) {
		f := mapOf(element)
		checked = append(checked, Checked{Name: f.text("name"), Valid: f.flag("valid"), State: f.text("state"), Mode: Mode(f.text("mode")), Token: f.token("token"), Remaining: f.span("remaining_ms")})
	}
	if len(checked) != len(holds) {
		return nil, fmt.Errorf("the cluster answered %d checks to a question about %d holds; is it of a version that this client knows?", len(checked), len(holds))
	}
	return checked, nil
}
