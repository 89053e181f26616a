package tidy

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// markdownLink matches the target of [text](target) and stops before a title or a blank.
var markdownLink = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`)

// checkLinks fails for a relative link in Markdown that leads to no file or folder. What a link's fragment names is not checked.
func checkLinks(tree *Tree) ([]Finding, error) {
	known := map[string]bool{}
	for _, file := range tree.Files {
		for name := file.Path; name != "."; name = path.Dir(name) {
			known[name] = true
		}
	}
	var findings []Finding
	for _, file := range tree.Files {
		if path.Ext(file.Path) != ".md" {
			continue
		}
		for number, line := range bytes.Split(file.Source, []byte("\n")) {
			for _, match := range markdownLink.FindAllSubmatch(line, -1) {
				target, _, _ := strings.Cut(string(match[1]), "#")
				if target == "" || strings.Contains(target, ":") {
					continue // a place on the same page, or another site
				}
				wanted := path.Join(file.Dir(), target)
				if known[wanted] || wanted == "." || tree.exists(wanted) {
					continue
				}
				findings = append(findings, Finding{Path: file.Path, Line: number + 1, Text: "the link to " + target + " leads nowhere"})
			}
		}
	}
	return findings, nil
}

// exists looks on disk for what a tree does not hold, such as test data.
func (t *Tree) exists(relative string) bool {
	_, err := os.Stat(filepath.Join(t.Root, filepath.FromSlash(relative)))
	return err == nil
}
