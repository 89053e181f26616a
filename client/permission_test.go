package client

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/coordd/coordd/transport/resp/wire"
)

// What only operators may do is refused to others once and for good: nothing happened, and to ask again would not help.
func TestAnOperatorsCommandThatIsRefusedIsNotSentAgain(t *testing.T) {
	for name, ask := range map[string]func(ctx context.Context, c *Client) error{
		"LOCK.FORCE": func(ctx context.Context, c *Client) error {
			_, err := c.ForceUnlock(ctx, "job", Force{Reason: "a test"})
			return err
		},
		"SESSION.KILL": func(ctx context.Context, c *Client) error {
			_, err := c.KillSession(ctx, "1-0", "a test", false)
			return err
		},
		"POOL.EVICT": func(ctx context.Context, c *Client) error { return c.Pool("orders").Evict(ctx, "w1", "a test", false) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := newFakeCluster()
				c := dialFake(t, cluster, nil)
				defer finish(t, cluster, c)
				cluster.answer(name, func([]string) []byte {
					return wire.AppendError(nil, "NOPERM this user has no permissions to run the command; it is for operators")
				})
				err := ask(t.Context(), c)
				var refused *ServerError
				var unreachable *UnreachableError
				if !errors.As(err, &refused) || refused.Code != "NOPERM" || errors.As(err, &unreachable) || !Definite(err) {
					t.Errorf("got %v (definite: %t), want a definite refusal", err, Definite(err))
				}
				if sent := cluster.commands(name); sent != 1 {
					t.Errorf("%s was sent %d times", name, sent)
				}
			})
		})
	}
}
