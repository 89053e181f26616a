package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/pools"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

const root = "../.."

// promisedIn are the documents that promise something. Each of their lists named here consists of promises, and every item needs an anchor.
var promisedIn = map[string][]string{"README.md": {"What it promises"}, "docs/guarantees.md": {"In short"}}

var (
	promiseAnchor = regexp.MustCompile(`<a id="promise-([a-z-]+)"></a>`)
	listItem      = regexp.MustCompile(`^(\d+\.|-) `)
	proofRow      = regexp.MustCompile("^\\| \\[([a-z-]+)\\]\\(([^)#]+)#promise-([a-z-]+)\\) \\| [^|]+ \\| `([^`]+)` \\| [^|]+ \\|$")
)

func readDocument(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// promises finds the anchors of both documents, by document.
func promises(t *testing.T) map[string][]string {
	found := map[string][]string{}
	for path := range promisedIn {
		for _, match := range promiseAnchor.FindAllStringSubmatch(readDocument(t, path), -1) {
			found[path] = append(found[path], match[1])
		}
	}
	return found
}

// proofs reads the table: the command of each promise, and where it is said to stand.
func proofs(t *testing.T) (commands, places map[string]string) {
	commands, places = map[string]string{}, map[string]string{}
	for line := range strings.Lines(readDocument(t, "docs/proof.md")) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| [") {
			continue
		}
		match := proofRow.FindStringSubmatch(line)
		if match == nil || match[1] != match[3] {
			t.Errorf("docs/proof.md: not a promise, a place, a sentence, a command and what would be said: %s", line)
			continue
		}
		if commands[match[1]] != "" {
			t.Errorf("docs/proof.md has %s twice", match[1])
		}
		commands[match[1]], places[match[1]] = match[4], match[2]
	}
	return commands, places
}

func TestEveryPromiseHasItsProof(t *testing.T) {
	promised := promises(t)
	commands, places := proofs(t)
	if len(promised["README.md"]) < 6 || len(promised["docs/guarantees.md"]) < 15 {
		t.Fatalf("so few promises were found that they cannot be all: %v", promised)
	}
	for path, names := range promised {
		for _, name := range names {
			if commands[name] == "" {
				t.Errorf("%s promises %q, and docs/proof.md has no command that shows it", path, name)
			}
		}
	}
	for name, place := range places {
		path := filepath.Join("docs", place)
		if !slices.Contains(promised[path], name) {
			t.Errorf("docs/proof.md proves %q, which %s does not promise", name, path)
		}
	}
}

func TestEveryItemOfTheListsOfPromisesIsMarked(t *testing.T) {
	for path, sections := range promisedIn {
		section, items := "", map[string]int{}
		for line := range strings.Lines(readDocument(t, path)) {
			if title, found := strings.CutPrefix(line, "## "); found {
				section = strings.TrimSpace(title)
			}
			if !slices.Contains(sections, section) || !listItem.MatchString(line) {
				continue
			}
			items[section]++
			if !promiseAnchor.MatchString(line) {
				t.Errorf("%s, %q: this promise has no anchor: %s", path, section, line)
			}
		}
		for _, name := range sections {
			if items[name] == 0 {
				t.Errorf("%s has no list under %q any more", path, name)
			}
		}
	}
}

func TestTheCommandsOfTheProofsCanBeRun(t *testing.T) {
	commands, _ := proofs(t)
	for name, command := range commands {
		words := strings.Fields(command)
		var problem error
		switch {
		case strings.HasPrefix(command, "go run ./test/jepsen-lite run "):
			problem = runnable(words[4:])
		case strings.HasPrefix(command, "go run ./test/jepsen-lite pools "):
			problem = runnablePools(words[4:])
		case strings.HasPrefix(command, "go test ./") && len(words) == 5 && words[3] == "-run":
			problem = testExists(words[2], words[4])
		default:
			problem = fmt.Errorf("neither a run nor a test of one package")
		}
		if problem != nil {
			t.Errorf("%s: %s: %v", name, command, problem)
		}
	}
}

// runnablePools says what is wrong with the flags of a campaign of workers.
func runnablePools(arguments []string) error {
	plan := pools.Default()
	set := flag.NewFlagSet("pools", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	poolsFlags(set, &plan)
	if err := set.Parse(arguments); err != nil {
		return err
	}
	return plan.Validate()
}

// runnable says what is wrong with the flags of a run.
func runnable(arguments []string) error {
	plan := run.Default()
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	planFlags(set, &plan)
	if err := set.Parse(arguments); err != nil {
		return err
	}
	if err := plan.Validate(); err != nil {
		return err
	}
	host := nemesis.Host{Senders: true, Disks: true, Failpoints: plan.Failpoints}
	for _, name := range plan.Nemeses {
		chosen, err := nemesis.Find(name)
		if err != nil {
			return err
		}
		if missing := chosen.Missing(host, plan.Nodes, plan.Workloads); missing != "" {
			return fmt.Errorf("%s", missing)
		}
	}
	return nil
}

// testExists looks for a test that the pattern of -run means.
func testExists(folder, pattern string) error {
	wanted, err := regexp.Compile(`(?m)^func (Test\w*)\(t \*testing\.T\)`)
	if err != nil {
		return err
	}
	means, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, match := range wanted.FindAllStringSubmatch(string(text), -1) {
			if means.MatchString(match[1]) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s has no such test", folder)
}
