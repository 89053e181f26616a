package databases

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/dynamoguard"
	"github.com/coordd/coordd/client/guard/httpguard"
	"github.com/coordd/coordd/client/guard/s3guard"
	"github.com/coordd/coordd/client/guard/sqlguard"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/compat/cluster"
)

// The code of docs/guards.md stands in this file too, word for word, and runs: TestThePagesCodeIsThisCode finds every block of the page here.

// onThePage is the code about databases.
func onThePage(ctx context.Context, db *sql.DB, cluster *client.Client, held *client.Held) error {
	marks, err := sqlguard.New(sqlguard.PostgreSQL, sqlguard.Options{}) // or sqlguard.MySQL, which is also MariaDB, or sqlguard.SQLite
	if err != nil {
		return err
	}
	if err := marks.CreateSchema(ctx, db); err != nil { // or put marks.Schema() into a migration
		return err
	}
	err = marks.Run(ctx, db, guard.Of(held), func(ctx context.Context, tx *sql.Tx) error {
		var balance int
		if err := tx.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE id = 1").Scan(&balance); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = $1 WHERE id = 1", balance-10)
		return err
	})
	if errors.Is(err, guard.ErrStale) {
		return err // another holds the lock now; nothing was written
	}
	if err != nil {
		return err
	}
	if err := marks.Enter(ctx, db, guard.Of(held)); err != nil { // once, right after the lock was granted
		return err
	}
	err = marks.RunCurrent(ctx, db, guard.Of(held), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 10 WHERE id = 1")
		return err
	})
	if err != nil {
		return err
	}
	asking, err := sqlguard.New(sqlguard.PostgreSQL, sqlguard.Options{Verify: guard.Cluster(cluster)})
	if err != nil {
		return err
	}
	if err := asking.Enter(ctx, db, guard.Of(held)); err != nil {
		return err
	}
	err = marks.UpdateRow(ctx, db, guard.Of(held), sqlguard.Row{
		Table: "accounts", Column: "fence", // fence bigint NOT NULL DEFAULT 0
		Key: []sqlguard.Value{{Column: "id", Value: 1}},
		Set: []sqlguard.Value{{Column: "balance", Value: 90}},
	})
	if err != nil {
		return err
	}
	err = func() error {
		err := guard.Cluster(cluster)(ctx, guard.Of(held))
		return err
	}()
	return err
}

// serveThePage is the code about HTTP.
func serveThePage(path string, handler http.Handler, upstream *url.URL) (front *http.Server, behindProxy http.Handler, marks io.Closer, err error) {
	build := func() error {
		file, err := httpguard.OpenFile(path) // where the marks are kept
		if err != nil {
			return err
		}
		guarded, err := httpguard.New(file, httpguard.Options{Lock: httpguard.Fixed("nightly-report")})
		if err != nil {
			return err
		}
		server := http.Server{Handler: guarded.Wrap(handler)}
		proxy, err := httpguard.NewProxy(upstream, guarded, httpguard.ProxyOptions{})
		front, behindProxy, marks = &server, proxy, file
		return err
	}
	err = build()
	return front, behindProxy, marks, err
}

// valuesOfThePage is the code about DynamoDB and S3.
func valuesOfThePage(etag string, body, content []byte) (*http.Request, error) {
	fence, err := guard.Parse("accounts", os.Getenv("COORDD_FENCING_TOKEN"))
	if err != nil {
		return nil, err
	}
	request := &http.Request{}
	build := func() error {
		entry, err := dynamoguard.Enter(fence)   // UpdateItem of the lock's mark: the holder enters
		check, err := dynamoguard.Entered(fence) // ConditionCheck of the mark in each TransactWriteItems: nobody has entered after it
		if err != nil || entry.Update == "" || check.Condition == "" {
			return err
		}
		object, err := s3guard.Open(etag, body) // s3guard.Absent if there is none
		if err != nil {
			return err
		}
		put, err := object.Next(fence, content) // *guard.StaleError after a newer token
		if err != nil {
			return err
		}
		request.Header = put.Header() // If-Match or If-None-Match; with an SDK put.IfMatch and put.IfNoneMatch
		request.Body = io.NopCloser(bytes.NewReader(put.Body))
		return nil
	}
	return request, build()
}

// page is docs/guards.md, and blocks are its blocks of a language.
func page(t *testing.T, language string) (blocks []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "guards.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
		blocks = append(blocks, match[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("the page has no block of %s", language)
	}
	return blocks
}

// inOneLine makes texts comparable that differ in white space only.
func inOneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestThePagesCodeIsThisCode(t *testing.T) {
	content, err := os.ReadFile("page_test.go")
	if err != nil {
		t.Fatal(err)
	}
	here := inOneLine(string(content))
	for _, block := range page(t, "go") {
		if !strings.Contains(here, inOneLine(block)) {
			t.Errorf("this block is not in page_test.go, so nobody has run it:\n%s", block)
		}
	}
}

// usePostgreSQL finds the engine that the page speaks of.
func usePostgreSQL(t *testing.T) engine {
	t.Helper()
	for _, e := range engines {
		if e.dialect == sqlguard.PostgreSQL && e.isolation == sql.LevelReadCommitted {
			if e.skip != "" {
				t.Skip(e.skip)
			}
			return e
		}
	}
	t.Fatal("no engine")
	return engine{}
}

func TestThePagesStatementsRun(t *testing.T) {
	db := usePostgreSQL(t).open(t)
	marks, err := sqlguard.New(sqlguard.PostgreSQL, sqlguard.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := marks.CreateSchema(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	blocks := page(t, "sql")
	execute(t, db, blocks[1], blocks[1]) // the row, twice
	for _, want := range []bool{true, true} {
		if result, err := db.ExecContext(t.Context(), blocks[0]); err != nil {
			t.Fatal(err)
		} else if rows, _ := result.RowsAffected(); (rows == 1) != want {
			t.Errorf("%d rows", rows)
		}
	}
	older := strings.ReplaceAll(blocks[0], "34", "33")
	if result, err := db.ExecContext(t.Context(), older); err != nil {
		t.Fatal(err)
	} else if rows, _ := result.RowsAffected(); rows != 0 {
		t.Error("an older token found a row")
	}
}

// The page's code, with a lock of a real cluster of three nodes.
func TestThePagesDatabaseCodeRuns(t *testing.T) {
	db := usePostgreSQL(t).open(t)
	folder := t.TempDir()
	group := process.NewGroup(folder)
	defer group.Close(5 * time.Second)
	binary, err := cluster.BuildCoordd(t.Context(), filepath.Join("..", "..", ".."), folder)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := cluster.StartCoordd(t.Context(), group, binary, folder, 3)
	if err != nil {
		t.Fatal(err)
	}
	connected, err := client.Dial(t.Context(), client.Options{Endpoints: []string{nodes.Address}})
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	session, err := connected.OpenSession(t.Context(), client.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())
	execute(t, db, "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL, fence bigint NOT NULL DEFAULT 0)", "INSERT INTO accounts VALUES (1, 100, 0)")
	var former *client.Held
	for range 2 {
		held, err := session.TryLock(t.Context(), "accounts")
		if err != nil {
			t.Fatal(err)
		}
		if err := onThePage(t.Context(), db, connected, held); err != nil {
			t.Fatal(err)
		}
		if former != nil {
			if err := onThePage(t.Context(), db, connected, former); !errors.Is(err, guard.ErrStale) {
				t.Errorf("the former holder: %v", err)
			}
			if err := guard.Cluster(connected)(t.Context(), guard.Of(former)); !errors.Is(err, guard.ErrStale) {
				t.Errorf("the cluster about the former holder: %v", err)
			}
		}
		if err := held.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := guard.Cluster(connected)(t.Context(), guard.Of(held)); !errors.Is(err, guard.ErrStale) {
			t.Errorf("the cluster about a lock that nobody holds: %v", err)
		}
		former = held
	}
}

func TestThePagesRequestsAreAnsweredAsItSays(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed (Debian: apt-get install curl)")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	saving := http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) { io.WriteString(writer, "saved\n") })
	upstream, err := url.Parse("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, _, marks, err := serveThePage(filepath.Join(t.TempDir(), "marks"), saving, upstream)
	if err != nil {
		t.Fatal(err)
	}
	defer marks.Close()
	go server.Serve(listener)
	defer server.Close()
	var want, got strings.Builder
	for line := range strings.Lines(page(t, "console")[0]) {
		command, isCommand := strings.CutPrefix(line, "$ curl ")
		if !isCommand {
			want.WriteString(line)
			continue
		}
		command = strings.ReplaceAll(command, "127.0.0.1:8080", listener.Addr().String())
		output, err := exec.CommandContext(t.Context(), "sh", "-c", curl+" "+command).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		got.WriteString(strings.TrimSuffix(string(output), "\n") + "\n")
	}
	if got.String() != want.String() {
		t.Errorf("the answers were\n%s\nand the page says\n%s", got.String(), want.String())
	}
}

func TestThePagesValuesAreMade(t *testing.T) {
	t.Setenv("COORDD_FENCING_TOKEN", "34")
	request, err := valuesOfThePage(`"e1"`, []byte("coordd-fence/1 33 \"accounts\"\nold"), []byte("new"))
	if err != nil || request.Header.Get("If-Match") != `"e1"` {
		t.Fatalf("%+v, %v", request, err)
	}
	if body, err := io.ReadAll(request.Body); err != nil || string(body) != "coordd-fence/1 34 \"accounts\"\nnew" {
		t.Errorf("%q, %v", body, err)
	}
	t.Setenv("COORDD_FENCING_TOKEN", "32")
	if _, err := valuesOfThePage(`"e1"`, []byte("coordd-fence/1 33 \"accounts\"\nold"), nil); !errors.Is(err, guard.ErrStale) {
		t.Errorf("an older token: %v", err)
	}
}

// The page's commands are those that the program has; that they end well is shown by the steps that run them.
func TestThePagesCommandsExist(t *testing.T) {
	blocks := page(t, "console")
	for line := range strings.Lines(blocks[len(blocks)-1]) {
		arguments := strings.Fields(strings.TrimPrefix(line, "$ go run -C test/guard . "))
		help := exec.CommandContext(t.Context(), "go", append([]string{"run", "-C", "..", "."}, append(arguments, "--help")...)...)
		if output, err := help.CombinedOutput(); err != nil || !strings.Contains(string(output), "-ttl") {
			t.Errorf("%s: %v\n%s", strings.TrimSpace(line), err, output)
		}
	}
}
