package client_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The code in docs/client.md is code that runs: each block stands, line by line, in an example or a test.
func TestTheDocumentationsCodeRuns(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "client.md"))
	if err != nil {
		t.Fatal(err)
	}
	var sources [][]string
	for _, pattern := range []string{"example_*_test.go", "example_test.go", filepath.Join("clienttest", "*_test.go")} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources = append(sources, trimmedLines(string(text)))
		}
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	if len(blocks) < 10 {
		t.Errorf("only %d blocks of code were found", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		lines := trimmedLines(code)
		if !slices.ContainsFunc(sources, func(source []string) bool { return containsLines(source, lines) }) {
			t.Errorf("no example or test contains\n%s", code)
		}
	}
}

func trimmedLines(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return lines
}

func containsLines(source, lines []string) bool {
	for i := 0; i+len(lines) <= len(source); i++ {
		if slices.Equal(source[i:i+len(lines)], lines) {
			return true
		}
	}
	return false
}
