package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is a line of go test -json; "go doc test2json" describes it.
type event struct {
	Action, Package, Test, Output string
}

// report is what was read so far.
type report struct {
	out      io.Writer
	packages map[string]*packageReport
	// broken are packages that failed.
	broken                  []string
	passed, failed, skipped int
	skips                   []string
}

// packageReport is a package that has not come to its end.
type packageReport struct {
	// output is all that it and its tests printed, in order; what go test shows of it depends on how they end.
	output []event
	ended  map[string]string // the last action of each test
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*packageReport{}}
}

// read reads events to the end of the input, and prints each package when it ends.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line string) {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Action == "build-output" {
		// What the go command or a compiler says is shown as it is.
		fmt.Fprint(r.out, firstOf(e.Output, line))
		return
	}
	if e.Package == "" {
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &packageReport{ended: map[string]string{}}
		r.packages[e.Package] = p
	}
	switch e.Action {
	case "output":
		p.output = append(p.output, e)
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.test(p, e)
			return
		}
		delete(r.packages, e.Package)
		r.print(p, e.Action != "fail")
		if e.Action == "fail" {
			r.broken = append(r.broken, e.Package)
		}
	}
}

func firstOf(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

// test counts a test that ended.
func (r *report) test(p *packageReport, e event) {
	p.ended[e.Test] = e.Action
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
	case "skip":
		r.skipped++
		r.skips = append(r.skips, fmt.Sprintf("%s %s: %s", e.Package, e.Test, p.reason(e.Test)))
	}
}

// reason is what a test said before it was skipped.
func (p *packageReport) reason(test string) string {
	var said []string
	for _, e := range p.output {
		text := strings.TrimSpace(e.Output)
		if e.Test == test && text != "" && !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") {
			said = append(said, text)
		}
	}
	return firstOf(strings.Join(said, " "), "no reason was given")
}

// print shows a package as go test does: one line if it passed, else with all that the failed tests printed.
func (r *report) print(p *packageReport, passed bool) {
	for _, e := range p.output {
		summary := e.Test == "" && (strings.HasPrefix(e.Output, "ok  ") || strings.HasPrefix(e.Output, "?   ") || strings.Contains(e.Output, "\tcoverage:"))
		failure := !passed && (e.Test == "" || p.ended[e.Test] != "pass" && p.ended[e.Test] != "skip")
		if summary || failure {
			fmt.Fprint(r.out, e.Output)
		}
	}
}

// end prints what was counted, and says why the run is no pass if it is none.
func (r *report) end(took, aim time.Duration) error {
	for _, name := range slices.Sorted(maps.Keys(r.packages)) {
		r.print(r.packages[name], false)
		fmt.Fprintf(r.out, "%s did not come to its end\n", name)
		r.broken = append(r.broken, name)
	}
	fmt.Fprintf(r.out, "\n%d tests skipped\n", r.skipped)
	for _, skip := range r.skips {
		fmt.Fprintf(r.out, "  %s\n", skip)
	}
	fmt.Fprintf(r.out, "%d tests passed, %d failed, %d skipped, in %d s\n", r.passed, r.failed, r.skipped, int(took.Seconds()))
	if aim > 0 && took > aim {
		fmt.Fprintf(r.out, "WARNING: that is more than the %d s that the tests should take\n", int(aim.Seconds()))
	}
	switch {
	case len(r.broken) > 0:
		return fmt.Errorf("failed: %s", strings.Join(r.broken, " "))
	case r.failed > 0:
		return fmt.Errorf("%d tests failed", r.failed)
	case r.passed == 0:
		return errors.New("no test ran, so nothing was checked")
	}
	return nil
}
