package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheREADMEShowsWhatHappens runs the command lines of the README that speak to a cluster, in their order, against one. Where it shows redis-cli, coordd's own asks the same node.
func TestTheREADMEShowsWhatHappens(t *testing.T) {
	var asked []shown
	for _, one := range readPage(t, filepath.Join("..", "..", "README.md")) {
		if !strings.HasPrefix(one.text, "go ") { // the two commands, which this test is part of
			asked = append(asked, one)
		}
	}
	if len(asked) < 15 {
		t.Fatalf("found only %d command lines", len(asked))
	}
	endpoints := documentedCluster(t)
	folder := t.TempDir()
	for _, one := range asked {
		line := one
		for i, endpoint := range strings.Split(endpoints, ",") {
			line.text = strings.Replace(line.text, fmt.Sprintf("redis-cli --no-raw -p %d ", 7379+i), "coordd cli --endpoints "+endpoint+" ", 1)
		}
		if output := line.run(t, folder, endpoints); alike(one.output[0]) != alike(output) {
			t.Errorf("%s:%d: %s\nshows %q first, the page says %q", one.page, one.line, one.text, output, one.output[0])
		}
	}
}
