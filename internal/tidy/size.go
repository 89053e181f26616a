package tidy

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"strings"
)

// The sizes beyond which code stops fitting in a head. Tests may be longer: they are read one story at a time.
const (
	maxFileLines         = 600
	maxFunctionLines     = 90
	maxTestFileLines     = 900
	maxTestFunctionLines = 140
)

// checkSize fails for Go files and functions that grew too long.
func checkSize(tree *Tree) ([]Finding, error) {
	var findings []Finding
	for _, file := range tree.GoFiles() {
		fileLimit, functionLimit := maxFileLines, maxFunctionLines
		if file.IsTest() {
			fileLimit, functionLimit = maxTestFileLines, maxTestFunctionLines
		}
		if lines := bytes.Count(file.Source, []byte("\n")); lines > fileLimit {
			findings = append(findings, Finding{Path: file.Path,
				Text: fmt.Sprintf("%d lines; from %d on a file holds more than one idea and is to be split", lines, fileLimit+1)})
		}
		for _, declaration := range file.Syntax.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			first, last := tree.Position.Position(function.Pos()).Line, tree.Position.Position(function.End()).Line
			if lines := last - first + 1; lines > functionLimit {
				findings = append(findings, tree.at(function.Pos(), "%s has %d lines; from %d on a function does not fit on a screen: keep the control flow and move the leaves out",
					function.Name.Name, lines, functionLimit+1))
			}
		}
	}
	return findings, nil
}

// compareFindings orders findings by place.
func compareFindings(a, b Finding) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Text, b.Text))
}
