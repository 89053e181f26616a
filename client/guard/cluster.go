package guard

import (
	"context"
	"fmt"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Verify asks somebody who knows whether a fence is its lock's current one. It returns nil if so, a *[StaleError] if not, and any other error if that could not be found out;
// guards then refuse, and the caller may try again.
//
// A Verify makes a guard refuse the predecessor from the moment of the grant instead of from its successor's first visit, and refuses tokens that nobody was granted. It
// does not replace the guard's mark.
type Verify func(ctx context.Context, fence Fence) error

// Asker sends a command to a cluster; *client.Client does.
type Asker interface {
	Do(ctx context.Context, arguments ...string) (wire.Value, error)
}

// Cluster verifies fences by asking the cluster. The answer is linearizable: it was true at some moment between question and answer.
func Cluster(cluster Asker) Verify {
	return func(ctx context.Context, fence Fence) error {
		if err := fence.Validate(); err != nil {
			return err
		}
		answer, err := cluster.Do(ctx, "FENCE", fence.lock)
		if err != nil {
			return fmt.Errorf("asking the cluster for the token of lock %q: %w", fence.lock, err)
		}
		current, ok := answer.Int()
		switch {
		case answer.Type == wire.Nil:
			return &StaleError{Fence: fence}
		case !ok || current <= 0:
			return fmt.Errorf("the answer to FENCE %q is not a token; is this a coordd cluster?", fence.lock)
		case uint64(current) != fence.token:
			return &StaleError{Fence: fence, Newest: uint64(current)}
		}
		return nil
	}
}
