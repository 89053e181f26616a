package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/client"
)

// The page lists the codes that the help lists, in the same words.
func TestThePageHasTheExitCodesOfTheHelp(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(page), "## Exit codes\n\n")
	want := "| code | meaning |\n| --- | --- |\n"
	for _, row := range exitMeanings {
		want += fmt.Sprintf("| %d | %s |\n", row.code, row.meaning)
	}
	if got != want {
		t.Errorf("docs/cli.md shows\n%s\nand the help\n%s", got, want)
	}
}

// What a client gave up on is judged by what it heard last, not taken for a refusal.
func TestExitCodesOfTheClientsErrors(t *testing.T) {
	answered := func(text string) error {
		code, _, _ := strings.Cut(text, " ")
		return &client.ServerError{Code: code, Text: text}
	}
	gaveUp := func(cause error) error { return &client.UnreachableError{Attempts: 10, Cause: cause} }
	for _, one := range []struct {
		err  error
		want int
	}{
		{gaveUp(answered("LOADING coordd has no leader; retry")), exitUnreachable},
		{gaveUp(answered("UNKNOWN its fate is not known")), exitUnreachable},
		{gaveUp(errors.New("connection refused")), exitUnreachable},
		{gaveUp(answered("BUSY too much is under way")), exitTemporary},
		{&client.HeldError{Name: "job"}, exitTemporary},
		{answered("NOPERM this is for operators"), exitFailure},
		{answered("LIMIT too many locks"), exitFailure},
	} {
		for _, err := range []error{one.err, fmt.Errorf("lock %q: %w", "job", one.err)} {
			if got := exitCode(clusterFailure(err)); got != one.want {
				t.Errorf("%v: exit code %d, want %d", err, got, one.want)
			}
		}
	}
}
