package servers

import (
	"context"
	"path/filepath"

	"github.com/coordd/coordd/internal/process"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// StartPostgreSQL starts PostgreSQL below folder. It does not wait for its disk, since nothing here lets the machine crash.
func StartPostgreSQL(ctx context.Context, group *process.Group, folder string) (*Server, error) {
	const where = "/usr/lib/postgresql/*/bin"
	initdb, err := find("initdb", where)
	if err != nil {
		return nil, &Missing{"PostgreSQL is not installed (Debian: apt-get install postgresql)"}
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	home, err := as.folder(folder, "postgresql")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(home, "data")
	if err := as.run(home, initdb, "--pgdata", data, "--username", "guard", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return nil, err
	}
	var version string
	server, err := start(ctx, group, "postgresql", func(_, port string) process.Spec {
		path, args := as.command(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-p", port,
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "fsync=off")
		return process.Spec{Path: path, Args: args, Dir: home}
	}, usableSQL("pgx", PostgreSQLAt, &version))
	if err != nil {
		return nil, err
	}
	server.Version = version
	return server, nil
}

// PostgreSQLAt is how the driver "pgx" is told to reach a server that was started here.
func PostgreSQLAt(address string) string {
	return "postgres://guard@" + address + "/postgres?sslmode=disable&connect_timeout=5"
}
