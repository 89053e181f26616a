package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCrashesInNodeLogs(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "n1.log")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for what, one := range map[string]struct {
		log     string
		excused [][2]int64
		want    Verdict
		word    string
	}{
		"all is well":                  {"time=1 level=INFO msg=\"this node leads\"\n", nil, Valid, "1 lines"},
		"no line":                      {"", nil, Unknown, "no lines"},
		"a panic, with what follows":   {"one\npanic: nobody\n\ngoroutine 7 [running]:\nmain.main()\n", nil, Invalid, "main.main()"},
		"a panic that a server caught": {`time=1 level=ERROR msg="serving a Redis client failed; its connection was closed" cause="no" stack="goroutine 7 [running]:\n"` + "\n", nil, Invalid, "serving a Redis client"},
		"another state":                {`time=1 level=ERROR msg="this node's state differs from its leader's"` + "\n", nil, Invalid, "differs"},
		"excused":                      {"one\npanic: nobody\n", [][2]int64{{4, 5}}, Valid, "1 crashes"},
		"after its excuse":             {"one\npanic: nobody\n", [][2]int64{{0, 4}}, Invalid, "panic"},
	} {
		path := write(one.log)
		judged(t, what, NodeLogs, &Run{NodeLogs: []string{path}, Excused: map[string][][2]int64{path: one.excused}}, one.want, one.word)
	}
	twice := NodeLogs(&Run{NodeLogs: []string{write("panic: a\n\ngoroutine 7 [running]:\n" + strings.Repeat("line\n", 20) + "panic: b\n")}})
	if twice.Total != 2 {
		t.Errorf("%d violations for two panics: %q", twice.Total, twice.Violations)
	}
}
