package stage

import (
	"os"
	"path/filepath"
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
