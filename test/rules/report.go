package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/coordd/coordd/test/rules/rule"
)

// writeOutcome writes the line of a rule.
func writeOutcome(out io.Writer, number, total int, o outcome) {
	word := string(o.End)
	if !o.passes() {
		word = "NOT " + strings.ToUpper(string(o.Wanted)) + " but " + word
	}
	fmt.Fprintf(out, "%3d/%d  %-30s %-22s %5.1f s  %s.%s: %s\n", number, total, o.ID, word, o.Seconds, o.Package, o.Test, o.Said)
}

// totals counts the ends, and names the rules that did not end as they must.
func totals(outcomes []outcome) string {
	counts := map[rule.End]int{}
	var wrong []string
	for _, one := range outcomes {
		counts[one.End]++
		if !one.passes() {
			wrong = append(wrong, one.ID)
		}
	}
	words := []string{fmt.Sprintf("%d rules", len(outcomes))}
	for _, end := range []rule.End{rule.Red, rule.Hangs, rule.Panics, rule.Green, rule.Unbuilt, rule.Unfit, rule.Unrun} {
		if counts[end] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[end], end))
		}
	}
	text := strings.Join(words, ", ")
	if len(wrong) > 0 {
		text += "; NOT PASSED: " + strings.Join(wrong, ", ")
	}
	return text
}

// writeList writes the rules as a table in Markdown.
func writeList(out io.Writer, rules []rule.Rule) {
	fmt.Fprintln(out, "| rule | what it says | taken out in | test that must fail |")
	fmt.Fprintln(out, "| --- | --- | --- | --- |")
	for _, one := range rules {
		test := fmt.Sprintf("`%s` of `%s`", one.Test, one.Package)
		if one.Wants() != rule.Red {
			test += fmt.Sprintf(", which %s: %s", one.Wants(), one.Because)
		}
		fmt.Fprintf(out, "| %s | %s | `%s` | %s |\n", one.ID(), one.Says, strings.Join(one.Files(), "`, `"), test)
	}
}

// The table of the README stands between these lines.
const (
	tableBegins = "<!-- rules: written by go run ./test/rules --write -->\n\n"
	tableEnds   = "<!-- end of rules -->\n"
)

// writeReadme writes the table anew.
func writeReadme(ctx context.Context) error {
	repository, err := root(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(repository, "test", "rules", "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	renewed, err := withTable(string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(renewed), 0o644)
}

// withTable is the README with the present table.
func withTable(readme string) (string, error) {
	before, rest, begins := strings.Cut(readme, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", errors.New("README.md has no place for the table")
	}
	var table strings.Builder
	writeList(&table, rule.All())
	return before + tableBegins + table.String() + "\n" + tableEnds + after, nil
}
