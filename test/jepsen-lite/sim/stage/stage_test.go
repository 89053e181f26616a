package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A process that ends before it reports is a violation, whatever its exit code.
func TestAProcessThatDoesNotReportIsNoPass(t *testing.T) {
	script := filepath.Join(t.TempDir(), "plays")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho 'panic: it fell over'\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	stage := &Stage{Binary: script, Folder: t.TempDir()}
	if r := stage.Play(t.Context(), 7, "", os.Stderr); r.Verdict() != "invalid" || r.Seed != 7 {
		t.Errorf("the verdict is %s: %+v", r.Verdict(), r)
	}
}

// A build whose plays take another course each time is no ground to stand on.
func TestASeedThatTakesTwoCoursesIsNoPass(t *testing.T) {
	for _, c := range []struct{ fingerprint, verdict string }{{"0123", "valid"}, {"$$", "unknown"}} {
		script := filepath.Join(t.TempDir(), "plays")
		report := "#!/bin/sh\necho '" + resultMark + "'\"{\\\"seed\\\":$COORDD_SIM_SEED,\\\"fingerprint\\\":\\\"" + c.fingerprint + "\\\",\\\"counts\\\":{}}\"\n"
		if err := os.WriteFile(script, []byte(report), 0o700); err != nil {
			t.Fatal(err)
		}
		stage := &Stage{Binary: script, Folder: t.TempDir(), Exact: true}
		if r := stage.PlayForLedger(t.Context(), againEvery); r.Verdict() != c.verdict {
			t.Errorf("with the fingerprint %s the verdict is %s instead of %s: %+v", c.fingerprint, r.Verdict(), c.verdict, r)
		}
	}
}

// What the second play of a seed shows is as true as what the first did.
func TestASecondPlayIsJudgedLikeTheFirst(t *testing.T) {
	for name, c := range map[string]struct{ second, verdict, says string }{
		"the same":    {report(`"fingerprint":"0123"`), "valid", ""},
		"a violation": {report(`"fingerprint":"0123","violations":["tokens: 7 was given twice"]`), "invalid", "tokens: 7 was given twice"},
		"a panic":     {"echo 'panic: it fell over'; exit 2\n", "invalid", "it fell over"},
		"undecided":   {report(`"fingerprint":"4567","undecided":["too large"]`), "unknown", "too large"},
		"killed":      {"kill -KILL $$\n", "unknown", "ended from outside"},
	} {
		script, folder := filepath.Join(t.TempDir(), "plays"), t.TempDir()
		text := "#!/bin/sh\nif [ ! -e played ]; then touch played; " + report(`"fingerprint":"0123"`) + "else " + c.second + "fi\n"
		if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		stage := &Stage{Binary: script, Folder: folder, Exact: true}
		r := stage.PlayForLedger(t.Context(), againEvery)
		said := fmt.Sprint(r.Violations, r.Undecided)
		if r.Verdict() != c.verdict || r.Seed != againEvery || !strings.Contains(said, c.says) || strings.Contains(said, "two courses") {
			t.Errorf("the second play is %s: the verdict is %s instead of %s, and says %s", name, r.Verdict(), c.verdict, said)
		}
		if compared := r.Counts["played twice"]; (compared == 1) != (c.verdict == "valid") {
			t.Errorf("the second play is %s: %d comparisons are counted", name, compared)
		}
	}
}

// report is a line of a shell script that reports a play.
func report(fields string) string {
	return fmt.Sprintf("echo '%s{\"seed\":%d,\"counts\":{},%s}'\n", resultMark, againEvery, fields)
}
