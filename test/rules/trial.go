package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/plant"
	"github.com/coordd/coordd/test/rules/rule"
)

// bench builds and runs tests of a repository.
type bench struct {
	repository string // absolute
	folder     string // for what is built
	patience   time.Duration
	properties map[string]bool // packages with property tests, by folder
}

// propertyFlags keep property tests from looking for a smaller example, which takes long, and from writing what they found into the repository.
var propertyFlags = []string{"-rapid.nofailfile", "-rapid.shrinktime=0s"}

// learn finds out which packages have property tests.
func (b *bench) learn(ctx context.Context, folders []string) error {
	b.properties = map[string]bool{}
	arguments := []string{"list", "-f", "{{.Dir}} {{.TestImports}} {{.XTestImports}}"}
	for _, folder := range folders {
		arguments = append(arguments, "./"+folder)
	}
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = b.repository
	output, err := command.Output()
	if err != nil {
		return fmt.Errorf("list the packages of the rules: %w", err)
	}
	for line := range strings.Lines(string(output)) {
		if path, imports, _ := strings.Cut(line, " "); strings.Contains(imports, "pgregory.net/rapid") {
			folder, err := filepath.Rel(b.repository, path)
			if err != nil {
				return err
			}
			b.properties[filepath.ToSlash(folder)] = true
		}
	}
	return nil
}

// outcome is what became of one rule.
type outcome struct {
	ID      string   `json:"id"`
	Says    string   `json:"says"`
	Files   []string `json:"files"`
	Package string   `json:"package"`
	Test    string   `json:"test"`
	End     rule.End `json:"end"`
	Wanted  rule.End `json:"wanted"`
	Said    string   `json:"said"` // by the test
	Seconds float64  `json:"seconds"`
}

func (o outcome) passes() bool { return o.End == o.Wanted }

// control runs the tests of a package as the sources are, and says of each that did not pass what was wrong. They run one after the other, as they do later.
func (b *bench) control(ctx context.Context, folder string, tests []string) (wrong map[string]string) {
	wrong = map[string]string{}
	work, err := os.MkdirTemp(b.folder, "control-")
	if err == nil {
		defer func() { _ = os.RemoveAll(work) }()
	}
	binary := filepath.Join(work, "tests")
	said, err := b.build(ctx, binary, folder, "")
	for _, test := range tests {
		if err != nil {
			wrong[test] = "it does not build: " + said
			continue
		}
		switch end, said := b.run(ctx, binary, folder, test); end {
		case rule.Green:
		case rule.Unrun:
			wrong[test] = said
		default:
			wrong[test] = fmt.Sprintf("without any change it is %s: %s", end, said)
		}
	}
	return wrong
}

// try takes one rule out and runs its test.
func (b *bench) try(ctx context.Context, one rule.Rule) (end rule.End, said string) {
	work, err := os.MkdirTemp(b.folder, "rule-")
	if err != nil {
		return rule.Unrun, err.Error()
	}
	defer func() { _ = os.RemoveAll(work) }()
	overlay, err := plant.Overlay(b.repository, work, one.Edits)
	if err != nil {
		return rule.Unfit, "the rule has moved: " + err.Error()
	}
	binary := filepath.Join(work, "tests")
	if said, err := b.build(ctx, binary, one.Package, overlay); err != nil {
		return rule.Unbuilt, said
	}
	return b.run(ctx, binary, one.Package, one.Test)
}

// build compiles the tests of a package, with changed files if there is an overlay. The package itself is compiled without optimisation, which takes two thirds of the time.
func (b *bench) build(ctx context.Context, binary, folder, overlay string) (said string, err error) {
	arguments := []string{"test", "-c", "-p", "1", "-gcflags=-N -l -dwarf=false", "-ldflags=-s -w", "-o", binary}
	if overlay != "" {
		arguments = append(arguments, "-overlay", overlay)
	}
	command := exec.CommandContext(ctx, "go", append(arguments, "./"+folder)...)
	command.Dir = b.repository
	output, err := command.CombinedOutput()
	if err == nil {
		if _, missing := os.Stat(binary); missing != nil {
			return "the package has no tests", missing
		}
	}
	return lastLine(output), err
}

// run runs one test, in the folder of its package as the go command does. Its temporary folders lie beside the binary and go with it: a test that breaks down or has to be ended removes none.
func (b *bench) run(ctx context.Context, binary, folder, test string) (rule.End, string) {
	ctx, cancel := context.WithTimeout(ctx, b.patience+30*time.Second)
	defer cancel()
	arguments := []string{"-test.run", "^" + test + "$", "-test.count=1", "-test.v", "-test.timeout", b.patience.String()}
	if b.properties[folder] {
		arguments = append(arguments, propertyFlags...)
	}
	command := exec.CommandContext(ctx, binary, arguments...)
	command.Dir = filepath.Join(b.repository, folder)
	command.Env = append(os.Environ(), "TMPDIR="+filepath.Dir(binary))
	command.WaitDelay = time.Second
	output := &tail{}
	command.Stdout, command.Stderr = output, output
	err := command.Run()
	if err != nil && ctx.Err() != nil {
		return rule.Hangs, "it had to be ended"
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return rule.Unrun, err.Error()
	}
	return judge(test, output.Bytes(), err == nil)
}

// maxOutput is how much of a test's output is looked at.
const maxOutput = 4 << 20

// tail keeps the beginning of what is written, up to a limit, and passes over the rest.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	if room := maxOutput - t.Len(); room > 0 {
		t.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// lastLine is the last line of some output that is not empty, which of the go command is the compiler's word.
func lastLine(output []byte) string {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return shortened(lines[len(lines)-1])
}

// testsOf lists the tests of rules, each once.
func testsOf(rules []rule.Rule) (tests []string) {
	for _, one := range rules {
		if !slices.Contains(tests, one.Test) {
			tests = append(tests, one.Test)
		}
	}
	return tests
}

// packagesOf lists the packages of rules, each once.
func packagesOf(rules []rule.Rule) (packages []string) {
	for _, one := range rules {
		if !slices.Contains(packages, one.Package) {
			packages = append(packages, one.Package)
		}
	}
	return packages
}
