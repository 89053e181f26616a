package servers

import (
	"context"
	"path/filepath"

	"github.com/coordd/coordd/internal/process"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
)

// StartMariaDB starts MariaDB below folder. It does not wait for its disk, since nothing here lets the machine crash.
func StartMariaDB(ctx context.Context, group *process.Group, folder string) (*Server, error) {
	daemon, err := find("mariadbd", "/usr/sbin")
	if err != nil {
		return nil, &Missing{"MariaDB is not installed (Debian: apt-get install mariadb-server)"}
	}
	install, err := find("mariadb-install-db", "/usr/bin")
	if err != nil {
		return nil, &Missing{"mariadb-install-db is not installed (Debian: apt-get install mariadb-server)"}
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	home, err := as.folder(folder, "mariadb")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(home, "data")
	if err := as.run(home, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db"); err != nil {
		return nil, err
	}
	var version string
	server, err := start(ctx, group, "mariadb", func(_, port string) process.Spec {
		path, args := as.command(daemon, "--no-defaults", "--datadir="+data, "--port="+port, "--bind-address=127.0.0.1",
			"--socket="+filepath.Join(home, "socket"), "--pid-file="+filepath.Join(home, "pid"), "--skip-name-resolve", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0")
		return process.Spec{Path: path, Args: args, Dir: home}
	}, usableSQL("mysql", MariaDBAt, &version))
	if err != nil {
		return nil, err
	}
	server.Version = version
	return server, nil
}

// MariaDBAt is how the driver "mysql" is told to reach a server that was started here.
func MariaDBAt(address string) string { return "root@tcp(" + address + ")/mysql?timeout=5s" }
