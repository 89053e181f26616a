package tidy

import (
	"fmt"
	"go/ast"
	"regexp"
)

// requiredSafetyCases are the numbered ways in which the promises of a lock service break, as far as what is built so far touches them. Each has at
// least one test named after it, for example TestS07_SecondGrantInOneEntryIsRefused, which fails when the rule against it is taken out.
var requiredSafetyCases = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 36, 37, 38}

var safetyTest = regexp.MustCompile(`^TestS0*(\d+)_`)

// checkSafety fails for a safety case without a test that carries its number.
func checkSafety(tree *Tree) ([]Finding, error) {
	tested := map[string]bool{}
	for _, file := range tree.GoFiles() {
		if !file.IsTest() {
			continue
		}
		for _, declaration := range file.Syntax.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok {
				if match := safetyTest.FindStringSubmatch(function.Name.Name); match != nil {
					tested[match[1]] = true
				}
			}
		}
	}
	var findings []Finding
	for _, number := range requiredSafetyCases {
		if !tested[fmt.Sprint(number)] {
			findings = append(findings, Finding{Path: ".", Text: fmt.Sprintf("no test is named TestS%02d_…; safety case S%d is unproven", number, number)})
		}
	}
	return findings, nil
}
