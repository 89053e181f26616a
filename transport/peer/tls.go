package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"
)

// TLS names the files of mutual TLS 1.3. They are read again when they change, so that certificates can be renewed under a running node.
//
// A node's certificate must be signed by one of the authorities in CAFile and carry the URI that RoleURI names. The authority should
// sign nothing else: a client's certificate must not open the peer port.
type TLS struct {
	// CertFile and KeyFile are this node's certificate and key, PEM.
	CertFile, KeyFile string
	// CAFile holds the authorities that sign node certificates, PEM.
	CAFile string
}

// RoleURI is the subject alternative name (type URI) that makes a certificate a node's certificate in the cluster of this name.
func RoleURI(clusterName string) string {
	return (&url.URL{Scheme: "coordd", Host: "cluster", Path: "/" + clusterName + "/node"}).String()
}

// reloadInterval is how often the files are looked at, at most.
const reloadInterval = 5 * time.Second

// security puts TLS on connections. A nil *security leaves them plain.
type security struct {
	files TLS
	role  string

	mu     sync.Mutex
	config *tls.Config
	stamp  [3]time.Time
	looked time.Time
}

// newSecurity reads the files once, so that a wrong path shows at start.
func newSecurity(files *TLS, clusterName string) (*security, error) {
	if files == nil {
		return nil, nil
	}
	s := &security{files: *files, role: RoleURI(clusterName)}
	if _, err := s.current(); err != nil {
		return nil, err
	}
	return s, nil
}

// accept runs TLS as the side that was dialled.
func (s *security) accept(ctx context.Context, conn *trackedConn) error {
	if s == nil {
		return nil
	}
	config, err := s.current()
	if err != nil {
		return err
	}
	secured := tls.Server(conn.raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	conn.Conn = secured
	return nil
}

// dial runs TLS as the side that dialled.
func (s *security) dial(ctx context.Context, conn *trackedConn) error {
	if s == nil {
		return nil
	}
	config, err := s.current()
	if err != nil {
		return err
	}
	secured := tls.Client(conn.raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	conn.Conn = secured
	return nil
}

// current gives the configuration, read anew when a file changed. A renewal that cannot be read leaves the one before in force.
func (s *security) current() (*tls.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config != nil && time.Since(s.looked) < reloadInterval {
		return s.config, nil
	}
	s.looked = time.Now()
	stamp, err := s.stamps()
	if err == nil && s.config != nil && stamp == s.stamp {
		return s.config, nil
	}
	var config *tls.Config
	if err == nil {
		config, err = s.load()
	}
	if err != nil {
		if s.config != nil {
			return s.config, nil
		}
		return nil, err
	}
	s.config, s.stamp = config, stamp
	return config, nil
}

// stamps gives the files' times of change.
func (s *security) stamps() (stamp [3]time.Time, err error) {
	for i, path := range []string{s.files.CertFile, s.files.KeyFile, s.files.CAFile} {
		info, err := os.Stat(path)
		if err != nil {
			return stamp, fmt.Errorf("peer TLS: %w", err)
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}

// load reads the files into a configuration that both sides use.
func (s *security) load() (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(s.files.CertFile, s.files.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("peer TLS: certificate %s with key %s: %w", s.files.CertFile, s.files.KeyFile, err)
	}
	pem, err := os.ReadFile(s.files.CAFile)
	if err != nil {
		return nil, fmt.Errorf("peer TLS: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("peer TLS: %s holds no certificate", s.files.CAFile)
	}
	verify := func(state tls.ConnectionState) error { return s.verify(state, authorities) }
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{certificate},
		ClientAuth:   tls.RequireAnyClientCert,
		// Nodes are known by role and node id and not by host name, so both sides verify the same way, in verify.
		InsecureSkipVerify:     true,
		VerifyConnection:       verify,
		SessionTicketsDisabled: true,
	}, nil
}

// verify checks the other side's chain and role.
func (s *security) verify(state tls.ConnectionState, authorities *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the other side shows no certificate")
	}
	leaf := state.PeerCertificates[0]
	intermediates := x509.NewCertPool()
	for _, certificate := range state.PeerCertificates[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots:         authorities,
		Intermediates: intermediates,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("the other side's certificate is not signed by an authority of %s: %w", s.files.CAFile, err)
	}
	for _, uri := range leaf.URIs {
		if uri.String() == s.role {
			return nil
		}
	}
	return fmt.Errorf("the other side's certificate (%s) does not carry the URI %s of a node of this cluster", leaf.Subject, s.role)
}
