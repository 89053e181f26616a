package spec

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// search lets the model be searched, which takes minutes.
var search = flag.Bool("search", false, "search the model, which needs spin and gcc and takes minutes")

// verify compiles the model with macros and searches it. It answers what pan says.
func verify(t *testing.T, macros ...string) string {
	t.Helper()
	if !*search {
		t.Skip("SKIPPED, not passed: the model is searched by: go test ./spec -search")
	}
	for _, tool := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is not installed, so the model was not checked; on Debian: apt-get install spin gcc", tool)
		}
	}
	model, err := filepath.Abs("lease.pml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	do := func(name string, arguments ...string) string {
		command := exec.Command(name, arguments...)
		command.Dir = folder
		text, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, arguments, err, text)
		}
		return string(text)
	}
	do("spin", append(append([]string{"-a"}, macros...), model)...)
	do("gcc", "-O2", "-w", "-DSAFETY", "-DNOFAIR", "-o", "pan", "pan.c")
	return do("./pan", "-E", "-m20000", "-w24")
}

// Who asks for the search and has no spin has not searched, which must not look like a search that found nothing.
func TestASearchWithoutSpinFails(t *testing.T) {
	again := exec.Command(os.Args[0], "-search", "-test.run", "^TestTheModelKeepsItsPromises$")
	again.Env = append(os.Environ(), "PATH="+t.TempDir())
	if text, err := again.CombinedOutput(); err == nil || !strings.Contains(string(text), "spin is not installed, so the model was not checked") {
		t.Errorf("it ends with %v:\n%s", err, text)
	}
}

var stored = regexp.MustCompile(`(\d+) states, stored`)

func TestTheModelKeepsItsPromises(t *testing.T) {
	said := verify(t)
	if !strings.Contains(said, "errors: 0") || strings.Contains(said, "max search depth too small") || strings.Contains(said, "out of memory") {
		t.Fatalf("the model does not keep them, or was not searched to its end:\n%s", said)
	}
	t.Logf("%s, all of them", stored.FindString(said))
}

// Each rule, taken out, breaks the promise that it protects.
func TestEveryPlantedErrorIsFound(t *testing.T) {
	early := `time>=\(renewedAt`
	for macro, broken := range map[string]string{
		"WITHOUT_TERM_IN_ENTRY":        early,
		"WITHOUT_CHECKING_AGAIN":       early,
		"WITHOUT_CLOCK_OF_THE_TERM":    early,
		"WITHOUT_DROPPING_THE_SURPLUS": early,
		"WITHOUT_LOGGED_RENEWALS":      early,
		"WITHOUT_STAMP_AT_SEAL":        early,
		"WITHOUT_INDEX_AS_TOKEN":       `counter\[leader\]>token`,
		"WITHOUT_ONE_GRANT_AN_ENTRY":   `entries>token`,
		"WITHOUT_SKIPPING_THE_DEAD":    `assertion violated +!\(`,
		"WITHOUT_LOOKING":              `holder==2`,
	} {
		t.Run(macro, func(t *testing.T) {
			said := verify(t, "-D"+macro)
			if !regexp.MustCompile(`assertion violated.*`).MatchString(said) || !regexp.MustCompile(broken).MatchString(said) {
				t.Fatalf("the search did not find that %s is broken:\n%s", broken, said)
			}
			t.Logf("found after %s", stored.FindString(said))
		})
	}
}
