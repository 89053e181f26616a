package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// reported runs go test -json on a package with this test file and answers what the report prints, and its error.
func reported(t *testing.T, source string, took time.Duration) (string, error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module played\n\ngo 1.26\n", "played_test.go": source} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "test", "-vet=off", "-json", "./...")
	command.Dir = folder
	events, _ := command.Output() // its status is that of the tests, which may fail
	var out strings.Builder
	report := newReport(&out)
	if err := report.read(strings.NewReader(string(events))); err != nil {
		t.Fatal(err)
	}
	err := report.end(took, 4*time.Minute)
	return out.String(), err
}

const header = "package played\n\nimport \"testing\"\n\n"

func TestWhatPassedIsOneLineAndWhatWasSkippedIsCountedWithItsReason(t *testing.T) {
	out, err := reported(t, header+`
func TestA(t *testing.T) { t.Log("not shown") }
func TestB(t *testing.T) { t.Skip("there is no tool") }
func TestC(t *testing.T) {
	t.Run("part", func(t *testing.T) { t.Skip("there is no disk") })
	t.Run("silent", func(t *testing.T) { t.SkipNow() })
}
`, time.Minute)
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{"ok  \tplayed\t", "\n3 tests skipped\n", "played TestB: played_test.go:7: there is no tool\n", "played TestC/part: played_test.go:9: there is no disk\n",
		"played TestC/silent: no reason was given\n", "2 tests passed, 0 failed, 3 skipped, in 60 s\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "not shown") || strings.Contains(out, "WARNING") {
		t.Errorf("it says too much:\n%s", out)
	}
}

func TestWhatFailedIsShownInFull(t *testing.T) {
	out, err := reported(t, header+`
func TestA(t *testing.T) { t.Log("not shown") }
func TestB(t *testing.T) { t.Log("on the way"); t.Error("it is broken") }
`, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "failed: played") {
		t.Errorf("the report ends with %v", err)
	}
	for _, want := range []string{"on the way", "it is broken", "--- FAIL: TestB", "FAIL\tplayed\t", "1 tests passed, 1 failed, 0 skipped"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "not shown") {
		t.Errorf("it shows what a passed test said:\n%s", out)
	}
}

func TestAPackageThatPanicsOrIsNotCompiledFails(t *testing.T) {
	for want, source := range map[string]string{
		"panic: gone": header + `func TestA(t *testing.T) { panic("gone") }`,
		"undefined":   header + `func TestA(t *testing.T) { nowhere() }`,
	} {
		out, err := reported(t, source, time.Minute)
		if err == nil || !strings.Contains(err.Error(), "failed: played") || !strings.Contains(out, want) {
			t.Errorf("the report ends with %v; it does not say %q:\n%s", err, want, out)
		}
	}
}

func TestARunWithoutTestsFails(t *testing.T) {
	for what, source := range map[string]string{"none": "package played\n", "all skipped": header + `func TestA(t *testing.T) { t.Skip("no") }`} {
		if out, err := reported(t, source, time.Minute); err == nil || !strings.Contains(err.Error(), "nothing was checked") {
			t.Errorf("%s: the report ends with %v:\n%s", what, err, out)
		}
	}
}

func TestARunThatIsCutOffFails(t *testing.T) {
	var out strings.Builder
	report := newReport(&out)
	events := `{"Action":"run","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n" +
		`{"Action":"run","Package":"p","Test":"TestB"}` + "\n" + `{"Action":"output","Package":"p","Test":"TestB","Output":"it waits\n"}` + "\n" + `{"Action":"out`
	if err := report.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	if err := report.end(time.Minute, 0); err == nil || !strings.Contains(out.String(), "it waits\n") || !strings.Contains(out.String(), "p did not come to its end") {
		t.Errorf("the report ends with %v:\n%s", err, out.String())
	}
}

func TestALongRunIsWarnedOf(t *testing.T) {
	out, err := reported(t, header+`func TestA(t *testing.T) {}`, 241*time.Second)
	if err != nil || !strings.Contains(out, "WARNING: that is more than the 240 s") {
		t.Errorf("the report ends with %v:\n%s", err, out)
	}
}
