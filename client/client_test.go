package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestManyCallersShareOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		var callers sync.WaitGroup
		for i := range 3000 {
			callers.Go(func() {
				word := fmt.Sprint("word ", i)
				answer, err := c.Do(t.Context(), "ECHO", word)
				if err != nil || string(answer.Text) != word {
					t.Errorf("ECHO %q answered %q, %v", word, answer.Text, err)
				}
			})
		}
		callers.Wait()
		if opened := cluster.connections(); len(opened) != 1 {
			t.Errorf("connections to %v, want one", opened)
		}
	})
}

func TestErrorsOfTheClusterAreReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		_, err := c.Do(t.Context(), "FROBNICATE")
		var refused *ServerError
		if !errors.As(err, &refused) || refused.Code != "ERR" || !Definite(err) {
			t.Errorf("got %v, want a definite ERR", err)
		}
		if runs := cluster.commands("FROBNICATE"); runs != 1 {
			t.Errorf("a refused command was sent %d times", runs)
		}
	})
}

func TestDeadEndpointsArePassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		cluster.refused["a"], cluster.refused["b"] = true, true
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		if _, err := c.Do(t.Context(), "PING"); err != nil {
			t.Error(err)
		}
		if opened := cluster.connections(); !slices.Equal(opened, []string{"c"}) {
			t.Errorf("connections to %v, want c alone", opened)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		cluster.refused["a"], cluster.refused["b"] = true, true
		_, err := Dial(t.Context(), Options{Endpoints: []string{"a", "b"}, Dialer: cluster.dial})
		if !errors.Is(err, errConnectionRefused) || !strings.Contains(err.Error(), "connecting to a") || !strings.Contains(err.Error(), "connecting to b") {
			t.Errorf("got %v, want the refusals of both endpoints", err)
		}
	})
}

// A node that has no leader is left for the next, and nothing was done there.
func TestLoadingIsTriedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		cluster.script(func(endpoint string, arguments []string) fate {
			if endpoint == "a" && arguments[0] == "ECHO" {
				return loading
			}
			return answered
		})
		if _, err := c.Do(t.Context(), "ECHO", "x"); err != nil {
			t.Error(err)
		}
		if opened := cluster.connections(); !slices.Equal(opened, []string{"a", "b"}) {
			t.Errorf("connections to %v, want a and then b", opened)
		}
	})
}

func TestAttemptsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		cluster.script(func(_ string, arguments []string) fate {
			if arguments[0] == "ECHO" {
				return loading
			}
			return answered
		})
		begin := time.Now()
		_, err := c.Do(t.Context(), "ECHO", "x")
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || unreachable.Attempts != DefaultMaxAttempts || !Definite(err) {
			t.Errorf("got %v, want a definite UnreachableError after %d attempts", err, DefaultMaxAttempts)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("gave up only after %v", took)
		}
	})
}

// A raw command whose answer is lost must not be run twice, and the caller must be told that its fate is not known.
func TestUnknownFateIsNotRepeated(t *testing.T) {
	for _, lost := range []fate{cutAfter, unheard} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			c := dialFake(t, cluster, nil)
			defer finish(t, cluster, c)
			cluster.script(func(_ string, arguments []string) fate {
				if arguments[0] == "ECHO" {
					return lost
				}
				return answered
			})
			_, err := c.Do(t.Context(), "ECHO", "x")
			if err == nil || Definite(err) {
				t.Errorf("got %v, want an error that is not definite", err)
			}
			if runs := cluster.commands("ECHO"); runs != 1 {
				t.Errorf("the command ran %d times", runs)
			}
		})
	}
}

// A caller that gives up must not disturb the others on the connection.
func TestGivingUpLeavesTheConnectionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Do(ctx, "ECHO", "x"); !errors.Is(err, context.Canceled) || !Definite(err) {
			t.Errorf("got %v, want a definite context.Canceled", err)
		}
		if answer, err := c.Do(t.Context(), "ECHO", "y"); err != nil || string(answer.Text) != "y" {
			t.Errorf("got %q, %v", answer.Text, err)
		}
		if opened := cluster.connections(); len(opened) != 1 {
			t.Errorf("connections to %v, want one", opened)
		}
	})
}

func TestClosedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		finish(t, cluster, c)
		begin := time.Now()
		if _, err := c.Do(t.Context(), "PING"); !errors.Is(err, ErrClosed) || !Definite(err) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		if _, err := c.OpenSession(t.Context(), SessionOptions{}); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("a closed client took %v to say so", took)
		}
	})
}

func TestOptionsThatCannotWork(t *testing.T) {
	for wanted, options := range map[string]Options{
		"Endpoints is empty":      {},
		"not of the form":         {Endpoints: []string{"localhost"}},
		"Password is not":         {Endpoints: []string{"localhost:7379"}, Username: "ann"},
		"must not be negative":    {Endpoints: []string{"localhost:7379"}, Margin: -1},
		"not between 0 and 0.5":   {Endpoints: []string{"localhost:7379"}, RateTolerance: 0.6},
		"RateTolerance -0.1 is n": {Endpoints: []string{"localhost:7379"}, RateTolerance: -0.1},
	} {
		if _, err := Dial(t.Context(), options); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("got %v, want an error that contains %q", err, wanted)
		}
	}
}
