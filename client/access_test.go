package client_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/transport/resp"
)

// startGuarded is a cluster of one node whose door wants TLS and a password. certificates trusts its certificate.
func startGuarded(t *testing.T) (s *served, certificates *x509.CertPool) {
	t.Helper()
	certificate, certificates := selfSigned(t)
	s = &served{t: t, cluster: clustertest.Start(t, clustertest.Options{Nodes: 1}), doors: map[string]*door{}}
	s.openDoorWith(0, resp.Config{
		Users: []resp.User{{Name: "ann", Passwords: []string{"open sesame"}}, {Name: "default", Passwords: []string{"word"}}},
		TLS:   &tls.Config{Certificates: []tls.Certificate{certificate}},
	})
	return s, certificates
}

func TestPasswordsAndTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, certificates := startGuarded(t)
		defer s.stop()
		options := func(user, password string) client.Options {
			return client.Options{
				Endpoints: []string{"0"}, Dialer: s.dial, Username: user, Password: password, Name: "worker-7",
				TLS: &tls.Config{RootCAs: certificates, ServerName: "coordd.example"},
			}
		}
		for _, o := range []client.Options{options("ann", "open sesame"), options("", "word")} {
			c, err := client.Dial(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if name, err := c.Do(t.Context(), "CLIENT", "GETNAME"); err != nil || string(name.Text) != "worker-7" {
				t.Errorf("CLIENT GETNAME: %q, %v", name.Text, err)
			}
			closeClient(t, c)
		}

		begin := time.Now()
		var refused *client.ServerError
		if _, err := client.Dial(t.Context(), options("ann", "wrong")); !errors.As(err, &refused) || refused.Code != "WRONGPASS" {
			t.Errorf("a wrong password: %v", err)
		}
		if _, err := client.Dial(t.Context(), options("", "")); !errors.As(err, &refused) || refused.Code != "NOAUTH" {
			t.Errorf("no password: %v", err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %v to say so", took)
		}

		strange := options("", "word")
		strange.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "coordd.example"}
		if _, err := client.Dial(t.Context(), strange); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("a certificate that nobody vouches for: %v", err)
		}
	})
}

// selfSigned makes a certificate for coordd.example, valid at the time at which a synctest bubble begins.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "coordd.example"},
		DNSNames:     []string{"coordd.example"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// openDoorWith opens a door on a node with more than the bare configuration.
func (s *served) openDoorWith(i int, config resp.Config) {
	s.t.Helper()
	config.Node, config.Admin, config.Logger = s.cluster.Node(i), s.cluster.Node(i), slog.New(slog.DiscardHandler)
	server, err := resp.NewServer(config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.serve(i, server)
}
