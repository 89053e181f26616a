package lua_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// realRedis starts a redis-server of its own on a socket in a temporary folder and connects to it. Without the program on PATH the test is skipped, and says so.
func realRedis(t *testing.T) *redisConnection {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("NOT COMPARED WITH A REAL REDIS: there is no redis-server on PATH")
	}
	folder, err := os.MkdirTemp("", "redis") // t.TempDir would be too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folder, "s")
	server := exec.Command(program, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", folder)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		_ = os.RemoveAll(folder)
	})
	for deadline := time.Now().Add(10 * time.Second); ; {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			t.Cleanup(func() { _ = connection.Close() })
			redis := &redisConnection{t, connection, bufio.NewReader(connection)}
			if version := redis.version(); !strings.HasPrefix(version, "7.0.") {
				t.Logf("the recordings are of Redis 7.0.15; this one is %s, so wording may differ", version)
			}
			return redis
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not answer: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

type redisConnection struct {
	t          *testing.T
	connection net.Conn
	reader     *bufio.Reader
}

func (r *redisConnection) version() string {
	info := string(r.do("info", "server").Text)
	_, after, _ := strings.Cut(info, "redis_version:")
	version, _, _ := strings.Cut(after, "\r\n")
	return version
}

// do sends one command and reads its reply.
func (r *redisConnection) do(argv ...string) command.Reply {
	r.t.Helper()
	_ = r.connection.SetDeadline(time.Now().Add(5 * time.Second))
	request := fmt.Appendf(nil, "*%d\r\n", len(argv))
	for _, argument := range argv {
		request = fmt.Appendf(request, "$%d\r\n%s\r\n", len(argument), argument)
	}
	if _, err := r.connection.Write(request); err != nil {
		r.t.Fatal(err)
	}
	return r.read()
}

func (r *redisConnection) read() command.Reply {
	r.t.Helper()
	line, err := r.reader.ReadString('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	kind, text := line[0], strings.TrimRight(line[1:], "\r\n")
	number, _ := strconv.ParseInt(text, 10, 64)
	switch kind {
	case '+':
		return command.Status(text)
	case '-':
		return command.Reply{Type: command.ReplyError, Text: []byte(text)}
	case ':':
		return command.Integer(number)
	case '$':
		if number < 0 {
			return command.Nil()
		}
		data := make([]byte, number+2)
		if _, err := io.ReadFull(r.reader, data); err != nil {
			r.t.Fatal(err)
		}
		return command.Bulk(data[:number])
	}
	if number < 0 {
		return command.NilArray()
	}
	reply := command.Array()
	for range number {
		reply.Elements = append(reply.Elements, r.read())
	}
	return reply
}

// printed writes a reply on one line.
func printed(reply command.Reply) string {
	switch reply.Type {
	case command.ReplyStatus:
		return "+" + string(reply.Text)
	case command.ReplyError:
		return "-" + string(reply.Text)
	case command.ReplyInteger:
		return ":" + strconv.FormatInt(reply.Integer, 10)
	case command.ReplyBulk:
		return strconv.Quote(string(reply.Text))
	case command.ReplyArray:
		var parts []string
		for _, element := range reply.Elements {
			parts = append(parts, printed(element))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case command.ReplyAgain:
		return "again"
	}
	return "nil"
}
