package resp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/resp/wire"
)

// Config says what a door serves and within which limits. The zero value of every field but Node means its default.
type Config struct {
	Node  transport.Node
	Admin transport.Admin // nil: COORDD.MEMBERS and COORDD.TRANSFER are refused

	// Users may connect with a password. When there is none, nobody needs one and everybody is an operator, so such a door belongs on loopback.
	Users []User
	TLS   *tls.Config // nil: no TLS

	Version      string // of coordd, for INFO and HELLO
	RedisVersion string // what INFO and HELLO claim to be compatible with; clients choose commands by it. Default 7.2.4

	MaxClients int                // connections; default 10,000
	Requests   wire.RequestLimits // what one request may hold
	// OutputBytes may wait to be written to one connection before it is closed as one that does not read; default 16 MiB.
	OutputBytes int
	ScriptBytes int // source text that the script cache of this node keeps; default 16 MiB

	IdleTimeout    time.Duration // a connection that sends nothing for so long is closed; default 0, never
	RequestTimeout time.Duration // a request that was begun must be complete after so long, and a TLS handshake too; default 30 s
	WriteTimeout   time.Duration // a client must take what is written to it within so long, or half of it; default 30 s

	Logger *slog.Logger // default: slog.Default()
}

// DefaultRedisVersion makes clients use scripts and transactions, which work in every version of every client.
const DefaultRedisVersion = "7.2.4"

// User is somebody who may connect.
type User struct {
	Name      string   // "default" is who gives a password alone
	Passwords []string // any of them; several while one is replaced by the next
	Operator  bool     // may change the cluster with COORDD commands
}

func (c Config) withDefaults() Config {
	if c.Version == "" {
		c.Version = "unknown"
	}
	if c.RedisVersion == "" {
		c.RedisVersion = DefaultRedisVersion
	}
	if c.MaxClients <= 0 {
		c.MaxClients = 10_000
	}
	if c.ScriptBytes <= 0 {
		c.ScriptBytes = 16 << 20
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = 30 * time.Second
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// validate finds all faults at once.
func (c Config) validate() error {
	var faults []error
	if c.Node == nil {
		faults = append(faults, errors.New("the Redis door needs a node"))
	}
	seen := map[string]bool{}
	for _, user := range c.Users {
		switch {
		case user.Name == "":
			faults = append(faults, errors.New("a user of the Redis door has no name"))
		case seen[user.Name]:
			faults = append(faults, fmt.Errorf("the user %q is named twice", user.Name))
		case len(user.Passwords) == 0:
			faults = append(faults, fmt.Errorf("the user %q has no password", user.Name))
		}
		for _, password := range user.Passwords {
			if password == "" {
				faults = append(faults, fmt.Errorf("a password of the user %q is empty", user.Name))
			}
		}
		seen[user.Name] = true
	}
	if c.IdleTimeout < 0 {
		faults = append(faults, fmt.Errorf("an idle timeout of %s is negative; 0 means never", c.IdleTimeout))
	}
	return errors.Join(faults...)
}
