package main

import (
	"context"
	"crypto/tls"
	"strings"

	"github.com/coordd/coordd/cmd/coordd/internal/endpoint"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/fsm/command"
)

// reach is the flags of every subcommand that talks to a cluster.
type reach struct {
	endpoints options.List
	user      options.Text
	password  options.Text
	useTLS    bool
	authority string
	cert, key string
}

// declare adds the flags to a set.
func (r *reach) declare(set *options.Set) {
	set.Environment = true
	r.endpoints = options.List{Values: endpoint.Default, Check: options.CheckAddress, Placeholder: "HOST:PORT,…"}
	r.password = options.Text{Hidden: true, Placeholder: "PASSWORD"}
	r.user = options.Text{Placeholder: "NAME"}
	set.Var(&r.endpoints, "endpoints", "Redis ports of the cluster; the next is tried when one does not answer")
	set.Var(&r.user, "user", "who to authenticate as")
	set.Var(&r.password, "password", "its password; the environment hides it better from other users of this machine")
	set.BoolVar(&r.useTLS, "tls", false, "speak TLS, trusting the authorities of this machine")
	set.StringVar(&r.authority, "tls-ca", "", "file with the certificates of the authorities to trust (PEM); implies --tls")
	set.StringVar(&r.cert, "tls-cert", "", "file with this client's certificate, where the cluster asks for one; implies --tls")
	set.StringVar(&r.key, "tls-key", "", "file with the key of that certificate")
	// The usual names would be those of the server's certificate, which a client on the same machine must not take for its own.
	set.Variable("tls-cert", "COORDD_CLIENT_CERT")
	set.Variable("tls-key", "COORDD_CLIENT_KEY")
}

// dialOptions turns the flags into what package endpoint wants.
func (r *reach) dialOptions(database int) (endpoint.Options, error) {
	if r.user.Value != "" && r.password.Value == "" {
		return endpoint.Options{}, options.Configf("--user %s needs a password: give --password or COORDD_PASSWORD", r.user.Value)
	}
	var config *tls.Config
	if r.useTLS || r.authority != "" || r.cert != "" || r.key != "" {
		var err error
		if config, err = endpoint.ClientTLS(r.authority, r.cert, r.key); err != nil {
			return endpoint.Options{}, options.Configf("%v", err)
		}
	}
	return endpoint.Options{User: r.user.Value, Password: r.password.Value, TLS: config, Database: database}, nil
}

// dial connects to the first endpoint that answers.
func (r *reach) dial(ctx context.Context) (*endpoint.Conn, error) {
	dialOptions, err := r.dialOptions(0)
	if err != nil {
		return nil, err
	}
	return endpoint.DialAny(ctx, r.endpoints.Values, dialOptions)
}

// replyFailure turns an error reply into an error with its exit code: without a leader there is no cluster to be had, and having too
// much to do is a bad moment; nothing was done in either. Everything else is a refusal.
func replyFailure(reply error) error {
	switch prefix, _, _ := strings.Cut(reply.Error(), " "); prefix {
	case command.CodeNoLeader.Prefix():
		return failWith(exitUnreachable, reply)
	case command.CodeBusy.Prefix():
		return failWith(exitTemporary, reply)
	}
	return failWith(exitFailure, reply)
}
