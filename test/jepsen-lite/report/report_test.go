package report

import (
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

func TestThePageShowsEverythingAndNeedsNothingElse(t *testing.T) {
	second := int64(time.Second)
	events := []history.Event{
		{At: 10 * second, Type: history.Invoke, Process: "c1/lock/0", Workload: "lock", Op: "acquire", Key: "lock/<0>"},
		{At: 12 * second, Type: history.OK, Process: "c1/lock/0", Workload: "lock", Op: "acquire", Key: "lock/<0>", Token: 7, Until: 14 * second},
		{At: 15 * second, Type: history.Invoke, Process: "c1/lock/0", Workload: "lock", Op: "acquire", Key: "lock/<0>"},
		{At: 20 * second, Type: history.Info, Process: "c1/lock/0", Workload: "lock", Op: "acquire", Key: "lock/<0>"},
	}
	operations, err := history.Pair(events)
	if err != nil {
		t.Fatal(err)
	}
	page := Page{
		Verdict: "invalid", Command: "go run ./test/jepsen-lite run --seed 42", Took: time.Minute, Events: events, Operations: operations,
		Results: []check.Result{{Name: "linearizable", Verdict: check.Invalid, Says: "no order", Violations: []string{"the violation"}, Total: 30,
			Pictures: map[string]string{"lock/0": `<html><script>porcupine("x")</script></html>`}}},
		Faults:  []Fault{{Name: "kill-leader", From: 11 * second, Until: 13 * second, Did: []string{"kill n2"}}},
		Skipped: []string{"disk-full: needs root"}, Problems: []string{"something else"},
		Holders: []check.Held{{Key: "lock/<0>", Process: "c1/lock/0", Token: 7, From: 12 * second, Until: 14 * second}},
	}
	var text strings.Builder
	if err := page.Write(&text); err != nil {
		t.Fatal(err)
	}
	for what, part := range map[string]string{
		"verdict": `<span class="invalid">invalid</span>`, "command": "--seed 42", "violation": "the violation", "how many": "30 in all", "fault": "kill n2", "skipped": "needs root",
		"problem": "something else", "shading": `class="fault"`, "latency": `class="p99"`, "throughput": `class="info"`, "holder": "token 7", "escaped name": "lock/&lt;0&gt;",
		"picture": `srcdoc="&lt;html&gt;&lt;script&gt;porcupine`,
	} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%s: %q is not on the page", what, part)
		}
	}
	for _, outside := range []string{"src=\"http", "href=", "@import", "lock/<0>"} {
		if strings.Contains(text.String(), outside) {
			t.Errorf("the page has %q", outside)
		}
	}
}

func TestAPageOfNothingIsAPage(t *testing.T) {
	var text strings.Builder
	if err := (Page{Verdict: "unknown"}).Write(&text); err != nil || !strings.Contains(text.String(), "</html>") {
		t.Fatalf("%v: %s", err, text.String())
	}
}
