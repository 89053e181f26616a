package run

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/check"
)

// unreadable is a run whose history cannot be read, and whose nodes left no log.
func unreadable(t *testing.T, results ...check.Result) *run {
	t.Helper()
	r := runWith(t, Plan{}, &countingNetwork{})
	r.verdict.Results = results
	var err error
	if r.file, err = os.Create(filepath.Join(r.place.Out, HistoryFile)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.file.Close() })
	if _, err := r.file.WriteString("nonsense\nand more\n"); err != nil {
		t.Fatal(err)
	}
	return r
}

// What a nemesis has found is so, whether or not the rest can be judged, and told, afterwards.
func TestAViolationOutlivesWhatGoesWrongAfterIt(t *testing.T) {
	found := check.Result{Name: "wipe", Verdict: check.Invalid, Says: "it forgot a vote", Total: 1}
	interrupted, stop := context.WithCancelCause(t.Context())
	stop(errors.New("interrupted"))
	for name, end := range map[string]func(r *run) error{
		"nothing can be read": func(r *run) error { return r.judge(t.Context()) },
		"Ctrl-C":              func(r *run) error { return r.judge(interrupted) },
		"the run broke off":   func(*run) error { return errors.New("interrupted") },
	} {
		r := unreadable(t, found)
		verdict, err := r.conclude(end(r))
		if err != nil || verdict.Verdict != check.Invalid || len(verdict.Problems) == 0 {
			t.Errorf("%s: %+v, %v", name, verdict, err)
		}
		var written Verdict
		text, err := os.ReadFile(filepath.Join(r.place.Out, VerdictFile))
		if err != nil || json.Unmarshal(text, &written) != nil || written.Verdict != check.Invalid {
			t.Errorf("%s: %s says %s (%v)", name, VerdictFile, text, err)
		}
		page, err := os.ReadFile(filepath.Join(r.place.Out, ReportFile))
		if err != nil || !strings.Contains(string(page), `<h1><span class="invalid">invalid</span></h1>`) || !strings.Contains(string(page), "it forgot a vote") {
			t.Errorf("%s: the page says %s (%v)", name, page, err)
		}
	}
}

func TestWithoutAViolationARunThatBrokeOffHasNoVerdict(t *testing.T) {
	r := unreadable(t, check.Result{Name: "liveness", Verdict: check.Valid})
	if verdict, err := r.conclude(errors.New("interrupted")); err == nil {
		t.Errorf("the verdict is %+v", verdict)
	}
	r = unreadable(t, check.Result{Name: "liveness", Verdict: check.Valid})
	if verdict, err := r.conclude(r.judge(t.Context())); err != nil || verdict.Verdict != check.Unknown {
		t.Errorf("of an unreadable history: %+v, %v; want unknown", verdict, err)
	}
}
