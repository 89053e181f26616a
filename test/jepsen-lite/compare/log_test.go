package compare

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/internal/committed"
)

func TestCoorddsLogIsHeldAgainstWhatClientsWereTold(t *testing.T) {
	const whole = `{"index":1,"term":1,"now_ms":1,"events":[{"type":"began","name":"k","token":1,"holder":"session s"}]}
{"index":2,"term":1,"now_ms":2,"events":[{"type":"ended","name":"k","token":1,"reason":"released"},{"type":"began","name":"l","token":2,"holder":"session s"}]}
`
	read := func(text string) []committed.Entry {
		entries, err := committed.Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	double := whole + `{"index":3,"term":1,"now_ms":3,"events":[{"type":"began","name":"l","token":3,"holder":"session t"}]}` + "\n"
	lost := strings.Replace(whole, `"name":"k"`, `"name":"other"`, -1)
	differs := strings.Replace(whole, `"now_ms":2`, `"now_ms":3`, 1)
	cases := []struct {
		name      string
		logs      map[string]string
		unread    error
		total     int
		violation string
		problem   string
		holds     int
	}{
		{"as it should be", map[string]string{"n1": whole, "n2": whole}, nil, 0, "", "", 2},
		{"a lock with two holders", map[string]string{"n1": double, "n2": whole}, nil, 1, "holds it", "", 3},
		{"a grant that a client was told of is missing", map[string]string{"n1": lost}, nil, 1, "does not know", "", 2},
		{"two logs differ", map[string]string{"n1": whole, "n2": differs}, nil, 1, "n2", "", 2},
		{"one cannot be read", map[string]string{"n1": whole}, errors.New("the log of n2 cannot be read"), 0, "", "the log of n2 cannot be read", 2},
		{"none can be read", nil, errors.New("the log of n1 cannot be read"), 0, "", "the log of n1 cannot be read", 0},
		{"it was compacted", map[string]string{"n1": strings.Replace(whole, whole[:strings.Index(whole, "\n")+1], "", 1)}, nil, 0, "", "compacted", 1},
	}
	path := filepath.Join(t.TempDir(), "history.jsonl")
	lines := `{"at_ns":1,"type":"invoke","process":"c1/fenced-register/0","workload":"fenced-register","op":"acquire","key":"k","holder":"s"}
{"at_ns":2,"type":"ok","process":"c1/fenced-register/0","workload":"fenced-register","op":"acquire","key":"k","holder":"s","token":1,"until_ns":9}
`
	if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, one := range cases {
		run, err := readHistory(path)
		if err != nil {
			t.Fatal(err)
		}
		logs := map[string][]committed.Entry{}
		for name, text := range one.logs {
			logs[name] = read(text)
		}
		got := judgeLogs(run, logs, one.unread)
		violations := strings.Join(got.Violations, "\n")
		if got.Total != one.total || got.Holds != one.holds || !strings.Contains(violations, one.violation) || !strings.Contains(got.Problem, one.problem) || (got.Problem == "") != (one.problem == "") {
			t.Errorf("%s: %+v; want %d violations with %q, a problem with %q, and %d holds", one.name, got, one.total, one.violation, one.problem, one.holds)
		}
	}
}
