package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/transport/resp"
)

// maxUsersFileBytes bounds the users file.
const maxUsersFileBytes = 1 << 20

// access is who may use the two public ports, and how they are encrypted.
type access struct {
	users    []resp.User
	redisTLS *tls.Config
	httpTLS  *tls.Config
}

// access reads the files that the flags name.
func (f *serveFlags) access() (a access, err error) {
	if a.users, err = f.readUsers(); err != nil {
		return a, err
	}
	if f.tlsCert == "" {
		return a, nil
	}
	certificate, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
	if err != nil {
		return a, options.Configf("--tls-cert %s with --tls-key %s: %v", f.tlsCert, f.tlsKey, err)
	}
	a.redisTLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	a.httpTLS = a.redisTLS.Clone()
	if f.tlsClientCA == "" {
		return a, nil
	}
	authorities, err := readAuthorities(f.tlsClientCA)
	if err != nil {
		return a, options.Configf("--tls-client-ca: %v", err)
	}
	a.redisTLS.ClientCAs, a.redisTLS.ClientAuth = authorities, tls.RequireAndVerifyClientCert
	// Probes come without a certificate; the routes that need one ask for it themselves.
	a.httpTLS.ClientCAs, a.httpTLS.ClientAuth = authorities, tls.VerifyClientCertIfGiven
	return a, nil
}

func readAuthorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return pool, nil
}

// readUsers collects the users of the flags and of the file.
func (f *serveFlags) readUsers() ([]resp.User, error) {
	var users []resp.User
	add := func(text string, operator bool) {
		name, password, _ := strings.Cut(text, ":")
		users = append(users, resp.User{Name: name, Passwords: []string{password}, Operator: operator})
	}
	for _, text := range f.users.Values {
		add(text, false)
	}
	for _, text := range f.operators.Values {
		add(text, true)
	}
	if f.usersFile != "" {
		lines, err := readUsersFile(f.usersFile)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			add(line.user, line.operator)
		}
	}
	seen := map[string]bool{}
	for _, user := range users {
		if seen[user.Name] {
			return nil, options.Configf("the user %q is given twice, among --user, --operator and --users-file", user.Name)
		}
		seen[user.Name] = true
	}
	return users, nil
}

// userLine is one line of the users file.
type userLine struct {
	user     string // NAME:PASSWORD
	operator bool
}

// readUsersFile reads the users file. Blank lines and lines that begin with # say nothing. Errors name the line and never its text, which may be a secret.
func readUsersFile(path string) ([]userLine, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, options.Configf("--users-file: %v", err)
	}
	if info.Size() > maxUsersFileBytes {
		return nil, options.Configf("--users-file %s is larger than %d bytes", path, maxUsersFileBytes)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, options.Configf("--users-file %s can be read by other users of this machine: chmod 600 %s", path, path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, options.Configf("--users-file: %v", err)
	}
	var lines []userLine
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, user, _ := strings.Cut(line, " ")
		user = strings.TrimSpace(user)
		if word != "user" && word != "operator" || checkUser(user) != nil {
			return nil, options.Configf("--users-file %s line %d is not \"user NAME:PASSWORD\" or \"operator NAME:PASSWORD\"", path, i+1)
		}
		lines = append(lines, userLine{user, word == "operator"})
	}
	return lines, nil
}

// authorize is how the HTTP door judges a request, as the Redis door does: where client certificates are asked for it needs one that was verified, and
// where there are users, the name and password of one. nil when nobody has to show anything.
func (a access) authorize() func(*http.Request) bool {
	certificates := a.httpTLS != nil && a.httpTLS.ClientCAs != nil
	if len(a.users) == 0 && !certificates {
		return nil
	}
	return func(r *http.Request) bool {
		if certificates && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
			return false
		}
		if len(a.users) == 0 {
			return true
		}
		name, password, given := r.BasicAuth()
		return given && a.knows(name, password)
	}
}

// knows compares without telling by its time how much was right.
func (a access) knows(name, password string) bool {
	given := sha256.Sum256([]byte(password))
	known := 0
	for _, user := range a.users {
		for _, right := range user.Passwords {
			expected := sha256.Sum256([]byte(right))
			sameName := subtle.ConstantTimeCompare([]byte(user.Name), []byte(name))
			known |= sameName & subtle.ConstantTimeCompare(expected[:], given[:])
		}
	}
	return known == 1
}
