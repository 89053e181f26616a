package servers

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/internal/process"
)

// Server is a running server.
type Server struct {
	Address string
	// Version is what the server says of itself.
	Version string
	child   *process.Process
}

// find looks for a program in the path and in the folders that match, the last one first, so that the newest version wins.
func find(program string, folders ...string) (string, error) {
	for _, pattern := range folders {
		found, err := filepath.Glob(filepath.Join(pattern, program))
		if err == nil && len(found) > 0 {
			slices.Sort(found)
			return found[len(found)-1], nil
		}
	}
	return exec.LookPath(program)
}

// start starts a server on a free port and waits until it can be used.
func start(ctx context.Context, group *process.Group, name string, spec func(address, port string) process.Spec, usable func(ctx context.Context, address string) error) (*Server, error) {
	address, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	described := spec(address, port)
	described.Name = name
	child, err := group.Start(described)
	if err != nil {
		return nil, err
	}
	server := &Server{Address: address, child: child}
	return server, server.wait(ctx, usable)
}

func (s *Server) wait(ctx context.Context, usable func(ctx context.Context, address string) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := usable(ctx, s.Address)
		if err == nil {
			return nil
		}
		select {
		case <-s.child.Exited():
			return fmt.Errorf("%w (while waiting until it can be used)", s.child.Wait(ctx))
		case <-ctx.Done():
			return fmt.Errorf("%s on %s cannot be used: %w; the end of its log:\n%s", s.child.Name, s.Address, err, s.child.LogTail(12))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// usableSQL connects and asks for the version.
func usableSQL(driver string, dsn func(address string) string, version *string) func(context.Context, string) error {
	return func(ctx context.Context, address string) error {
		db, err := sql.Open(driver, dsn(address))
		if err != nil {
			return err
		}
		defer db.Close()
		return db.QueryRowContext(ctx, "SELECT version()").Scan(version)
	}
}
