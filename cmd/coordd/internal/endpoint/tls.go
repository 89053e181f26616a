package endpoint

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// ClientTLS makes the TLS settings of a client: the authorities it trusts, and, where the server asks for one, its own certificate. The latter two
// may be empty together.
func ClientTLS(authorityFile, certificateFile, keyFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if authorityFile != "" {
		pem, err := os.ReadFile(authorityFile)
		if err != nil {
			return nil, fmt.Errorf("the authority file cannot be read: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", authorityFile)
		}
	}
	if certificateFile != "" || keyFile != "" {
		certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("the client's certificate and key cannot be used: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}
