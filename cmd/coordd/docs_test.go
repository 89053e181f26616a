package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// shown is one command line of a page, with what the page shows as its output.
type shown struct {
	page   string
	line   int
	text   string
	output []string
}

// readPage finds the lines of a page's code blocks that begin with a dollar sign.
func readPage(t *testing.T, page string) (all []shown) {
	t.Helper()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	inBlock, first := false, 0 // command of the block
	lines := bufio.NewScanner(bytes.NewReader(source))
	for number := 1; lines.Scan(); number++ {
		text := lines.Text()
		command, isCommand := strings.CutPrefix(text, "$ ")
		switch {
		case strings.HasPrefix(text, "```"):
			inBlock, first = !inBlock, len(all)
		case inBlock && isCommand:
			all = append(all, shown{page: filepath.Base(page), line: number, text: command})
		case inBlock && len(all) > first:
			all[len(all)-1].output = append(all[len(all)-1].output, text)
		}
	}
	return all
}

// TestPagesShowWhatHappens runs every command line that the page of the command line shows, in their order, against one cluster. Each must do what it is shown
// to do: succeed, unless the page shows a complaint; and show the same table or the same words, apart from numbers.
func TestPagesShowWhatHappens(t *testing.T) {
	endpoints := documentedCluster(t)
	commands := readPage(t, filepath.Join("..", "..", "docs", "cli.md"))
	if len(commands) < 24 {
		t.Fatalf("found only %d command lines", len(commands))
	}
	folder := t.TempDir()
	for _, one := range commands {
		output := one.run(t, folder, endpoints)
		if len(one.output) > 0 && alike(one.output[0]) != alike(output) {
			t.Errorf("%s:%d: %s\nshows %q first, the page says %q", one.page, one.line, one.text, output, one.output[0])
		}
	}
}

// run gives the first line that a command writes.
func (s shown) run(t *testing.T, folder, endpoints string) string {
	t.Helper()
	command := exec.Command("sh", "-c", s.text)
	command.Dir = folder
	command.Env = append(os.Environ(), "COORDD_ENDPOINTS="+endpoints)
	command.WaitDelay = time.Second // a job in the background may keep the output
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(30*time.Second, func() { _ = command.Process.Kill() })
	defer timer.Stop()
	err := command.Wait()
	first, _, _ := strings.Cut(output.String(), "\n")
	complains := len(s.output) == 1 && strings.HasPrefix(s.output[0], "coordd: ")
	if _, isExit := err.(*exec.ExitError); err != nil && isExit != complains {
		t.Errorf("%s:%d: %s: %v: %s", s.page, s.line, s.text, err, output.String())
	}
	return first
}

// whoever is the name that a process gives itself.
var whoever = regexp.MustCompile(`\S+@\S+\[#\]`)

// alike is a line without what differs from run to run: numbers, the name of the process, and the width of columns.
func alike(line string) string {
	digits := func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '#'
		}
		return r
	}
	words := strings.Fields(strings.Map(digits, line))
	for i, word := range words {
		for strings.Contains(word, "##") {
			word = strings.ReplaceAll(word, "##", "#")
		}
		words[i] = word
	}
	if len(words) > 0 && words[0] == "cluster" { // its id
		words = words[:2]
	}
	return whoever.ReplaceAllString(strings.Join(words, " "), "somebody")
}

// documentedCluster runs a cluster of three nodes until the test ends, and gives its endpoints.
func documentedCluster(t *testing.T) string {
	t.Helper()
	c, ready, err := startCoorddDev(os.Getenv, "--nodes", "3")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code := c.end(); code != exitOK {
			t.Error(fmt.Errorf("the cluster ended with exit code %d: %s", code, c.stderr))
		}
	})
	var endpoints []string
	for _, node := range ready.Nodes {
		endpoints = append(endpoints, node.Redis)
	}
	return strings.Join(endpoints, ",")
}
