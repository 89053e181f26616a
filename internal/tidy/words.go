package tidy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// forbidden is a pattern that must not stand in any text of the repository.
type forbidden struct {
	pattern *regexp.Regexp
	why     string
}

// standing are the patterns that hold on every machine. They are put together from pieces so that this file passes its own check.
var standing = []forbidden{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`),
		"nothing is left open in the code: do it, or write down in the documentation what is missing"},
	{regexp.MustCompile(`(^|[\s"'=(:])/(wo` + `rk|tm` + `p|ro` + `ot|ho` + `me/[a-z]+)/`),
		"a path of somebody's machine; let the program make a temporary folder, or name a folder relative to the checkout"},
	{regexp.MustCompile(`"resol` + `ved":\s*"http`),
		"a lock file that names a package registry; leave resolved URLs out"},
	{regexp.MustCompile(`-----BEGIN [A-Z ]*PRIV` + `ATE KEY-----`),
		"a private key; tests make their keys when they run"},
	{regexp.MustCompile(`(?i)\b(sub-?ag` + `ents?|language mo` + `dels?|coding ag` + `ents?|co-authored` + `-by)\b`),
		"how the work was organised is no part of the project"},
}

// checkWords fails for text that has no place in the repository.
func checkWords(tree *Tree) ([]Finding, error) {
	patterns := slices.Clone(standing)
	machine, err := machinePatterns(tree.Root)
	if err != nil {
		return nil, err
	}
	patterns = append(patterns, machine...)
	var findings []Finding
	for _, file := range tree.Files {
		for number, line := range bytes.Split(file.Source, []byte("\n")) {
			for _, word := range patterns {
				if found := word.pattern.Find(line); found != nil {
					findings = append(findings, Finding{Path: file.Path, Line: number + 1,
						Text: fmt.Sprintf("%q: %s", strings.TrimSpace(string(found)), word.why)})
				}
			}
		}
	}
	return findings, nil
}

// machinePatterns are the patterns of the machine that the check runs on: the folder around the checkout, and the package registries that the
// package managers here are set up to use. They are asked for, not listed, since a list would itself name them.
func machinePatterns(root string) ([]forbidden, error) {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	var patterns []forbidden
	if parent := filepath.Dir(absolute); strings.Count(parent, string(filepath.Separator)) > 0 && len(parent) > 1 {
		patterns = append(patterns, forbidden{regexp.MustCompile(`(^|[\s"'=(:])` + regexp.QuoteMeta(parent+string(filepath.Separator))),
			"the folder in which this checkout happens to lie"})
	}
	settings, err := exec.Command("go", "env", "GOPROXY", "GOSUMDB").Output()
	if err != nil {
		return nil, fmt.Errorf("asking the go command for its registry: %w", err)
	}
	for _, variable := range []string{"PIP_INDEX_URL", "npm_config_registry", "NPM_CONFIG_REGISTRY"} {
		settings = append(settings, os.Getenv(variable)+"\n"...)
	}
	for _, host := range hosts(string(settings)) {
		patterns = append(patterns, forbidden{regexp.MustCompile(`\b` + regexp.QuoteMeta(host) + `\b`), "the host of a package registry"})
	}
	return patterns, nil
}

var hostName = regexp.MustCompile(`^(?:https?://)?(?:[^@/]*@)?([a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+)`)

// hosts finds the host names in the settings of package managers.
func hosts(settings string) []string {
	var found []string
	for _, word := range strings.FieldsFunc(settings, func(r rune) bool { return strings.ContainsRune(" ,|\n+", r) }) {
		if match := hostName.FindStringSubmatch(word); match != nil {
			found = append(found, match[1])
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
