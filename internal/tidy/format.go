package tidy

import (
	"bytes"
	"fmt"
	"go/format"
)

// checkFormat fails for Go files that gofmt would change.
func checkFormat(tree *Tree) ([]Finding, error) {
	var findings []Finding
	for _, file := range tree.GoFiles() {
		formatted, err := format.Source(file.Source)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Path, err)
		}
		if !bytes.Equal(formatted, file.Source) {
			findings = append(findings, Finding{Path: file.Path, Text: "not formatted; run gofmt -w on it"})
		}
	}
	return findings, nil
}
