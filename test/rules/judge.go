package main

import (
	"bufio"
	"bytes"
	"regexp"
	"strings"

	"github.com/coordd/coordd/test/rules/rule"
)

// place is how a test begins what it says: with the file and the line.
var place = regexp.MustCompile(`^\s+(\w+\.go:\d+): ?(.*)$`)

// What a run prints when it ended in another way than by an assertion.
var (
	hung = []string{"panic: test timed out after", "all goroutines in bubble are blocked", "main bubble goroutine has exited but blocked goroutines remain", "all goroutines are asleep"}
	died = []string{"panic: ", "fatal error: ", "[signal SIG"}
)

// judge says how one test ended by what was printed with -test.v, and what it said first. A panic that a library catches and tells as a failure counts as one.
func judge(test string, output []byte, succeeded bool) (end rule.End, said string) {
	var first, broken string
	end = rule.Unrun
	failed := false
	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		line := lines.Text()
		switch found := place.FindStringSubmatch(line); {
		case found != nil && (first == "" || strings.HasSuffix(first, ": ")):
			first = found[1] + ": " + found[2]
		case strings.HasSuffix(first, ": ") && strings.TrimSpace(line) != "":
			first += strings.TrimSpace(line) // the text begins on the next line
		}
		switch {
		case broken == "" && hasAny(line, hung):
			broken, end = line, rule.Hangs
		case broken == "" && hasPrefix(line, died):
			broken, end = line, rule.Panics
		case strings.HasPrefix(line, "--- FAIL: "+test+" "):
			failed = true
		case strings.HasPrefix(line, "--- PASS: "+test+" ") && succeeded:
			return rule.Green, ""
		case strings.HasPrefix(line, "--- SKIP: "+test+" "):
			return rule.Unrun, shortened("it was skipped: " + first)
		}
	}
	switch {
	case broken != "":
		return end, shortened(broken)
	case failed && !succeeded:
		return rule.Red, shortened(first)
	}
	return rule.Unrun, "there is no such test, or it said nothing: " + lastLine(output)
}

func hasAny(line string, words []string) bool {
	for _, word := range words {
		if strings.Contains(line, word) {
			return true
		}
	}
	return false
}

func hasPrefix(line string, words []string) bool {
	for _, word := range words {
		if strings.HasPrefix(line, word) {
			return true
		}
	}
	return false
}

// maxSaid is how much of a test's words is shown.
const maxSaid = 240

func shortened(text string) string {
	if text = strings.TrimSpace(text); len(text) > maxSaid {
		return text[:maxSaid] + " ..."
	}
	return text
}
