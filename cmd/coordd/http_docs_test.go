package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestHTTPPageShowsWhatHappens runs every command line of docs/http.md in one shell, against a cluster of its own. Each must succeed, and where the page shows an answer, it must be
// that answer apart from numbers and secrets.
func TestHTTPPageShowsWhatHappens(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	commands := readPage(t, filepath.Join("..", "..", "docs", "http.md"))
	if len(commands) < 24 {
		t.Fatalf("found only %d command lines", len(commands))
	}
	address := documentedHTTP(t)
	folder := t.TempDir()
	var script strings.Builder
	for i, one := range commands {
		line := strings.ReplaceAll(one.text, "http://127.0.0.1:7480", "http://"+address)
		// What a command writes goes to a file of its own, and the shell that runs it stays, so that it keeps its variables.
		fmt.Fprintf(&script, "{ %s\n} >out%d 2>&1 || echo \"exit code $?\" >>out%d\n", line, i, i)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", script.String())
	shell.Dir = folder
	shell.Env = append(os.Environ(), "no_proxy=127.0.0.1")
	shell.WaitDelay = time.Second
	if output, err := shell.CombinedOutput(); err != nil || len(output) > 0 {
		t.Fatalf("%v: %s", err, output)
	}
	for i, one := range commands {
		output, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("out%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := one.answersLike(output); err != nil {
			t.Errorf("%s:%d: %s\n%v\nit wrote %s", one.page, one.line, one.text, err, output)
		}
	}
}

// answersLike compares what a command wrote with what the page shows.
func (s shown) answersLike(output []byte) error {
	if bytes.Contains(output, []byte("exit code ")) || bytes.HasPrefix(output, []byte("curl: ")) && len(s.output) == 0 {
		return errors.New("it failed")
	}
	if len(s.output) == 0 {
		if bytes.Contains(output, []byte(`"retry":`)) {
			return errors.New("it was refused")
		}
		return nil
	}
	if !strings.HasPrefix(s.output[0], "{") {
		if first, _, _ := strings.Cut(string(output), "\n"); blankNumbers(first) != blankNumbers(s.output[0]) {
			return fmt.Errorf("the page shows %q first", s.output[0])
		}
		return nil
	}
	if !json.Valid(output) {
		return errors.New("it is not JSON")
	}
	if got, want := blankNumbers(string(output)), blankNumbers(s.output[0]); got != want {
		return fmt.Errorf("the page shows\n%s\nwhich is, without its numbers\n%s\nand not\n%s", s.output[0], want, got)
	}
	return nil
}

var (
	anySecret = regexp.MustCompile(`"secret":"[^"]*"`)
	anyNumber = regexp.MustCompile(`[0-9]+(-[0-9]+)?`)
)

// blankNumbers is an answer without what differs from run to run.
func blankNumbers(text string) string {
	return anyNumber.ReplaceAllString(anySecret.ReplaceAllString(strings.TrimSpace(text), `"secret":""`), "#")
}

// documentedHTTP runs a cluster of one node until the test ends, and gives the address of its HTTP port.
func documentedHTTP(t *testing.T) string {
	t.Helper()
	c, ready, err := startCoorddDev(os.Getenv, "--nodes", "1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code := c.end(); code != exitOK {
			t.Errorf("the cluster ended with exit code %d: %s", code, c.stderr)
		}
	})
	return ready.Nodes[0].HTTP
}
