package compare

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestARowCountsWhatCameOfAFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	lines := `
{"at_ns":1000000000,"type":"invoke","process":"c1/fenced-register/0","workload":"fenced-register","op":"setnx","key":"k","holder":"a","ttl_ms":2000}
{"at_ns":1001000000,"type":"ok","process":"c1/fenced-register/0","workload":"fenced-register","op":"setnx","key":"k","holder":"a","ttl_ms":2000}
{"at_ns":1002000000,"type":"invoke","process":"c2/fenced-register/0","workload":"fenced-register","op":"setnx","key":"k","holder":"b","ttl_ms":2000}
{"at_ns":1003000000,"type":"ok","process":"c2/fenced-register/0","workload":"fenced-register","op":"setnx","key":"k","holder":"b","ttl_ms":2000}
{"at_ns":1004000000,"type":"note","process":"store","workload":"store","op":"lost","key":"k","value":"a/1"}
{"at_ns":1005000000,"type":"note","process":"store","workload":"store","op":"lost","key":"k","token":7,"value":"b/1"}
{"at_ns":1006000000,"type":"note","process":"store","workload":"store","op":"refused","key":"k","token":6}
{"at_ns":1007000000,"type":"note","process":"store","workload":"store","op":"refused","key":"k","token":6,"value":"c/1"}
{"at_ns":1008000000,"type":"note","process":"store","workload":"store","op":"twin-lost","key":"k","token":6,"value":"c/1"}
{"at_ns":1009000000,"type":"note","process":"store","workload":"store","op":"accepted","key":"k","token":5,"value":"d/1"}
{"at_ns":1010000000,"type":"note","process":"store","workload":"store","op":"accepted","key":"other","token":5,"value":"d/2"}
`
	if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	run, err := readHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	row := Row{System: "coordd", Fault: "failover", Rounds: 1, HasTokens: true}
	row.count(run)
	want := Row{System: "coordd", Fault: "failover", Rounds: 1, Holds: 2, Overlaps: 1, Unguarded: 2, HasTokens: true, Refused: 1, Accepted: 1, Fooled: 1}
	if !reflect.DeepEqual(row, want) {
		t.Errorf("got %+v, want %+v: a read that was refused is no write, and only a token smaller than one that the register has seen is stale", row, want)
	}
	row.Log = &LogFindings{Holds: 9, Total: 3}
	var table strings.Builder
	if err := Table(&table, []Row{row, {System: "redlock", Fault: Control}, {System: "coordd", Log: &LogFindings{Problem: "gone"}}}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"| coordd | failover | 1 | 2 | 1 | 2 | 1 | 1 | 1 | 3 of 9 |", "| redlock | none | 0 | 0 | 0 | 0 | no tokens | no tokens | no tokens | no log to read |", "| unknown |",
	} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table lacks %s:\n%s", line, table.String())
		}
	}
}
