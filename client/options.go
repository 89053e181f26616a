package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/coordd/coordd/client/internal/steer"
)

// The defaults of Options and SessionOptions.
const (
	DefaultDialTimeout    = time.Second
	DefaultAttemptTimeout = 5 * time.Second       // longer than a node holds a request while there is no leader
	DefaultMaxAttempts    = 10                    // about five seconds of pauses
	DefaultRateTolerance  = 0.1                   // ρ
	DefaultMargin         = 20 * time.Millisecond // rounding to milliseconds, and the time until a goroutine runs
	DefaultSessionTTL     = 10 * time.Second
)

// The limits of a session's TTL, and the least of SessionOptions.EarlyEnd. The cluster enforces the same.
const (
	MinSessionTTL = 500 * time.Millisecond
	MaxSessionTTL = 24 * time.Hour
	MinEarlyEnd   = time.Second
)

// Options says how to reach a cluster. Only Endpoints is needed; the zero value of every other field means its default.
type Options struct {
	// Endpoints are the addresses of the nodes' Redis doors, as host:port. Any node serves any command; they are tried in this order,
	// beginning anew after the last.
	Endpoints []string

	// Username and Password authenticate each connection. A password without a user name is that of the user "default".
	Username, Password string

	// TLS, if set, encrypts. Its ServerName is filled in from the endpoint when it is empty.
	TLS *tls.Config

	// Dialer opens connections, for programs that reach nodes in another way, such as in the same process. TLS, if set, goes on top of it.
	Dialer func(ctx context.Context, endpoint string) (net.Conn, error)

	// Name is what the cluster shows people about this process; at most 256 bytes.
	Name string

	// DialTimeout bounds connecting to one endpoint, greeting included. A keepalive may have to wait for two endpoints that do not answer, so
	// it should be well below a session's TTL.
	DialTimeout time.Duration

	// AttemptTimeout bounds one attempt at a request on a connection. What is under way at a node that is cut off from the others goes elsewhere only when
	// the node has answered or this time is over; new requests do as soon as a keepalive of any session was late.
	AttemptTimeout time.Duration

	// MaxAttempts bounds how often a request is tried before its last error is returned. The pauses between attempts grow to a second.
	MaxAttempts int

	// FollowLeader moves the connection to the leader of the cluster whenever the leader advertises an address that is one of Endpoints. It saves each request the way
	// from a follower to the leader; against that, the followers no longer share the work of reading requests, so it suits few and busy clients.
	FollowLeader bool

	// RateTolerance is ρ: by how much the rates of two clocks may differ, as a fraction. From 0 (exclusive) to 0.5.
	RateTolerance float64

	// Margin is taken off every deadline.
	Margin time.Duration

	// Clock reads a clock that counts the time in which the machine is suspended and never goes back. Only tests set it.
	Clock func() time.Duration

	steering *steer.Wheel
}

func (o Options) withDefaults() (Options, error) {
	setDefault(&o.DialTimeout, DefaultDialTimeout)
	setDefault(&o.AttemptTimeout, DefaultAttemptTimeout)
	setDefault(&o.MaxAttempts, DefaultMaxAttempts)
	setDefault(&o.RateTolerance, DefaultRateTolerance)
	setDefault(&o.Margin, DefaultMargin)
	if o.Clock == nil {
		o.Clock = suspendCountingClock
	}
	var faults []error
	if len(o.Endpoints) == 0 {
		faults = append(faults, errors.New("Endpoints is empty; give the host:port of at least one node's Redis door"))
	}
	if o.Dialer == nil {
		for _, endpoint := range o.Endpoints {
			if _, _, err := net.SplitHostPort(endpoint); err != nil {
				faults = append(faults, fmt.Errorf("endpoint %q is not of the form host:port: %w", endpoint, err))
			}
		}
	}
	if o.Username != "" && o.Password == "" {
		faults = append(faults, errors.New("Username is set and Password is not"))
	}
	if o.DialTimeout < 0 || o.AttemptTimeout < 0 || o.MaxAttempts < 0 || o.Margin < 0 {
		faults = append(faults, errors.New("DialTimeout, AttemptTimeout, MaxAttempts and Margin must not be negative"))
	}
	if o.RateTolerance < 0 || o.RateTolerance > 0.5 {
		faults = append(faults, fmt.Errorf("RateTolerance %v is not between 0 and 0.5", o.RateTolerance))
	}
	return o, errors.Join(faults...)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// SessionOptions says what session to open. The zero value of every field means its default.
type SessionOptions struct {
	// TTL is how long the session outlives the last keepalive that reached the cluster; keepalives are sent every third of it. The cluster accepts
	// MinSessionTTL to MaxSessionTTL. A TTL below three times the pause that a failover may take risks the session when a leader dies.
	TTL time.Duration

	// EarlyEnd, when it is not 0, agrees to an early end: the cluster may end the session as soon as no keepalive has reached it for so long, MinEarlyEnd at least and the TTL at most, when its leader has a
	// reason to doubt this process. The one reason that there is: the nodes' gossip misses the worker that serves under the session, see [WorkerConfig.Gossip]. What a killed process held is then free
	// after EarlyEnd instead of after the TTL; 3 s suit a TTL of 10 s. Keepalives are sent every third of EarlyEnd, so no gossip ends the session of a process that reaches the leader.
	//
	// It trades certainty for speed. When no keepalive gets through for about four fifths of EarlyEnd, the session is lost here, unless most of the nodes say in the gossip that this process is alive,
	// and have said so since a keepalive was late: then it is kept for as long as they do, until its TTL is nearly over at most. In that time gossip is believed. Whoever lies in it then, or a network that
	// lets the gossip through to most of the nodes and not to the leader, can let the cluster give to another what this process still believes to hold, and only tokens protect what is written.
	EarlyEnd time.Duration

	// Name is shown to whoever finds a lock held; default Options.Name.
	Name string

	// Metadata is kept with the session, for people; at most 4 KiB.
	Metadata string
}

func (o SessionOptions) withDefaults(client Options) (SessionOptions, error) {
	setDefault(&o.TTL, DefaultSessionTTL)
	setDefault(&o.Name, client.Name)
	if o.TTL < MinSessionTTL || o.TTL > MaxSessionTTL || o.TTL%time.Millisecond != 0 {
		return o, fmt.Errorf("session TTL %v is not a whole number of milliseconds between %v and %v", o.TTL, MinSessionTTL, MaxSessionTTL)
	}
	return o, o.checkEarlyEnd()
}
