package compare

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/check"
)

func TestARowCountsWhatCameOfAFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	lines := `
{"at_ns":1000000000,"type":"invoke","process":"c1/fenced-register/0","workload":"fenced-register","op":"setnx","key":"k","holder":"a","ttl_ms":2000}
{"at_ns":1001000000,"type":"ok","process":"c1/fenced-register/0","workload":"fenced-register","op":"setnx","key":"k","holder":"a","ttl_ms":2000}
{"at_ns":1002000000,"type":"invoke","process":"c2/fenced-register/0","workload":"fenced-register","op":"setnx","key":"k","holder":"b","ttl_ms":2000}
{"at_ns":1003000000,"type":"ok","process":"c2/fenced-register/0","workload":"fenced-register","op":"setnx","key":"k","holder":"b","ttl_ms":2000}
{"at_ns":1004000000,"type":"note","process":"store","workload":"store","op":"lost","key":"k"}
{"at_ns":1005000000,"type":"note","process":"store","workload":"store","op":"lost","key":"k","token":7}
{"at_ns":1006000000,"type":"note","process":"store","workload":"store","op":"refused","key":"k","token":6}
{"at_ns":1007000000,"type":"note","process":"store","workload":"store","op":"twin-lost","key":"k","token":6}
`
	if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	row := Row{System: "coordd", Fault: "failover", Rounds: 1, HasTokens: true}
	if err := row.count(path); err != nil {
		t.Fatal(err)
	}
	if want := (Row{"coordd", "failover", 1, 2, 1, 2, true, 1, 1}); row != want {
		t.Errorf("got %+v, want %+v", row, want)
	}
	var table strings.Builder
	if err := Table(&table, []Row{row, {System: "redlock"}}); err != nil || !strings.Contains(table.String(), "| coordd | failover | 1 | 2 | 1 | 2 | 1 | 1 |") || !strings.Contains(table.String(), "no tokens | no tokens") {
		t.Errorf("%v\n%s", err, table.String())
	}
}

func TestOnlyCoorddIsJudgedAndOnlyWhenItsGuardWasTested(t *testing.T) {
	good := Row{System: "coordd", HasTokens: true, Refused: 2, Unguarded: 3}
	overlap, fooled, untested := good, good, good
	overlap.Overlaps, fooled.Fooled, untested.Refused = 1, 1, 0
	for _, one := range []struct {
		rows []Row
		want check.Verdict
	}{
		{[]Row{good, {System: "redlock", Overlaps: 9, Unguarded: 9}}, check.Valid}, {[]Row{good, {System: "coordd", Fault: Control, Holds: 7}}, check.Valid}, {[]Row{good, {System: "etcd", Fault: Control, Holds: 7, Unguarded: 1}}, check.Unknown},
		{[]Row{good, {System: "etcd", Fault: Control}}, check.Unknown}, {[]Row{overlap}, check.Invalid}, {[]Row{fooled}, check.Invalid}, {[]Row{untested}, check.Unknown}, {nil, check.Unknown},
	} {
		if got := Judge(one.rows); got != one.want {
			t.Errorf("%+v: %s, want %s", one.rows, got, one.want)
		}
	}
}
