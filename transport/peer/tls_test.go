package peer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/peer"
)

// authority signs certificates for tests.
type authority struct {
	t           *testing.T
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.certificate = &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	a.file = a.write("ca.pem", "CERTIFICATE", a.sign(a.certificate, &a.key.PublicKey))
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(certificate *x509.Certificate, public *ecdsa.PublicKey) []byte {
	der, err := x509.CreateCertificate(rand.Reader, certificate, a.certificate, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue makes the files of one certificate that carries a URI.
func (a *authority) issue(name, uri string) *peer.TLS {
	role, err := url.Parse(uri)
	if err != nil {
		a.t.Fatal(err)
	}
	key := newKey(a.t)
	der := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
		URIs:         []*url.URL{role},
	}, &key.PublicKey)
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &peer.TLS{
		CertFile: a.write(name+".pem", "CERTIFICATE", der),
		KeyFile:  a.write(name+".key", "EC PRIVATE KEY", private),
		CAFile:   a.file,
	}
}

// startTCP starts a node on real TCP.
func startTCP(t testing.TB, name string, files *peer.TLS) *testNode {
	t.Helper()
	n := &testNode{roster: peer.NewRoster(), handler: &echoHandler{}, observer: &recorder{}}
	n.identity = peer.Identity{ClusterName: "test", ClusterID: "c1", NodeID: peer.NodeID(name), Address: name + ":7580"}
	port, err := peer.Listen(peer.Config{
		Identity:      func() peer.Identity { return n.identity },
		ListenAddress: "127.0.0.1:0",
		TLS:           files,
		Authorizer:    n.roster,
		Handler:       n.handler,
		Observer:      n.observer,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.port = port
	t.Cleanup(func() { _ = port.Close() })
	return n
}

func (n *testNode) bound() peer.Target {
	return peer.Target{NodeID: n.identity.NodeID, Address: n.port.Addr().String()}
}

func TestOnlyNodesOfTheClusterPassTLS(t *testing.T) {
	nodes, others := newAuthority(t, "nodes"), newAuthority(t, "others")
	role := peer.RoleURI("test")
	a, b := startTCP(t, "a", nodes.issue("a", role)), startTCP(t, "b", nodes.issue("b", role))
	if answer, err := a.port.Forward(t.Context(), b.bound(), []byte("x")); err != nil || string(answer) != "echo x" {
		t.Fatalf("two nodes of the cluster: %q, %v", answer, err)
	}
	for name, files := range map[string]*peer.TLS{
		"plain":                 nil,
		"client certificate":    nodes.issue("client", "coordd://cluster/test/client"),
		"node of other cluster": nodes.issue("other", peer.RoleURI("other")),
		"other authority":       others.issue("forged", role),
	} {
		t.Run(name, func(t *testing.T) {
			stranger := startTCP(t, "s", files)
			if _, err := stranger.port.Identify(t.Context(), b.port.Addr().String()); err == nil {
				t.Error("the stranger was let in")
			}
			if _, err := a.port.Identify(t.Context(), stranger.port.Addr().String()); err == nil {
				t.Error("a node trusts the stranger")
			}
		})
	}
}

func TestTLSFilesAreCheckedAtStart(t *testing.T) {
	files := newAuthority(t, "nodes").issue("a", peer.RoleURI("test"))
	files.CAFile = files.KeyFile
	_, err := peer.Listen(peer.Config{
		Identity:      func() peer.Identity { return peer.Identity{ClusterName: "test", NodeID: "a", Address: "a:1"} },
		ListenAddress: "127.0.0.1:0",
		TLS:           files,
		Authorizer:    peer.NewRoster(),
		Handler:       &echoHandler{},
	})
	if err == nil {
		t.Fatal("a file without a certificate passed as an authority")
	}
}

// BenchmarkTerm measures the probe of a read round over TCP on one machine, from one caller and from 256.
func BenchmarkTerm(b *testing.B) {
	for name, callers := range map[string]int{"callers=1": 1, "callers=256": 256} {
		b.Run(name, func(b *testing.B) {
			from, to := startTCP(b, "a", nil), startTCP(b, "b", nil)
			target := to.bound()
			calls := make(chan struct{}, callers)
			var running sync.WaitGroup
			b.ResetTimer()
			for range callers {
				running.Go(func() {
					for range calls {
						if _, err := from.port.Term(b.Context(), target); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for range b.N {
				calls <- struct{}{}
			}
			close(calls)
			running.Wait()
		})
	}
}
