package committed

import (
	"strings"
	"testing"
)

const goodLog = `
{"index":3,"term":2,"now_ms":100,"commands":[{}],"events":[{"type":"began","name":"a","database":0,"token":3,"holder":"x"}]}
{"index":4,"term":2,"now_ms":160,"events":[{"type":"ended","name":"a","token":3,"reason":"deleted"},{"type":"began","name":"b","token":4,"holder":"y"}]}
{"index":6,"term":2,"now_ms":300,"events":[{"type":"began","name":"a","token":6,"holder":"y"},{"type":"ended","name":"b","token":4,"reason":"expired"}]}
`

func judgeText(t *testing.T, text string) *History {
	t.Helper()
	entries, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return Judge(entries)
}

func TestJudgeAcceptsAGoodLog(t *testing.T) {
	history := judgeText(t, goodLog)
	if len(history.Violations) != 0 || len(history.Holds) != 3 || history.Reasons()["still held"] != 1 {
		t.Fatalf("got %+v", history)
	}
}

func TestJudgeFindsPlantedFaults(t *testing.T) {
	first := `{"index":1,"now_ms":1,"events":[{"type":"began","name":"a","token":1,"holder":"x"}]}` + "\n"
	for fault, text := range map[string]string{
		"while \"x\" holds it":  first + `{"index":2,"events":[{"type":"began","name":"a","token":2,"holder":"y"}]}`,
		"token 1 after token 1": first + `{"index":2,"events":[{"type":"ended","name":"a","token":1},{"type":"began","name":"a","token":1,"holder":"y"}]}`,
		"which nobody holds":    first + `{"index":2,"events":[{"type":"ended","name":"b","token":1}]}`,
		"while token 1 is held": first + `{"index":2,"events":[{"type":"ended","name":"a","token":7}]}`,
		"entry 1 follows":       first + `{"index":1,"events":[]}`,
		"index plus 0":          first + `{"index":2,"events":[{"type":"began","name":"b","token":9,"holder":"y"}]}`,
	} {
		if got := strings.Join(judgeText(t, text).Violations, "\n"); !strings.Contains(got, fault) {
			t.Errorf("want a violation with %q, got %q", fault, got)
		}
	}
}

func TestSameHistoryFindsADifference(t *testing.T) {
	read := func(text string) []Entry {
		entries, err := Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	one := read(goodLog)
	if compared, got := SameHistory(map[string][]Entry{"one": one, "two": one[1:]}); len(got) != 0 || compared != 2 {
		t.Errorf("equal logs: compared %d, got %q", compared, got)
	}
	otherTerm := strings.Replace(goodLog, `"term":2,"now_ms":160`, `"term":3,"now_ms":160`, 1)
	if _, got := SameHistory(map[string][]Entry{"one": one, "two": read(otherTerm)}); len(got) != 1 {
		t.Errorf("different terms: got %q, want one violation", got)
	}
	otherContent := strings.Replace(goodLog, `"reason":"deleted"`, `"reason":"expired"`, 1)
	if _, got := SameHistory(map[string][]Entry{"one": one, "two": read(otherContent)}); len(got) != 1 {
		t.Errorf("different contents: got %q, want one violation", got)
	}
	notReplayed := strings.Replace(strings.Replace(goodLog, `"now_ms":160,"events":[{"type":"ended","name":"a","token":3,"reason":"deleted"},{"type":"began","name":"b","token":4,"holder":"y"}]`,
		`"now_ms":150,"replayed":false,"events":[]`, 1), `"commands":[{}]`, `"commands":[{"reply":1}]`, 1)
	if compared, got := SameHistory(map[string][]Entry{"one": one, "two": read(notReplayed)}); len(got) != 1 || compared != 3 {
		t.Errorf("an entry that one node did not replay, and another reply: compared %d, got %q, want the reply alone", compared, got)
	}
	uncommitted := strings.Replace(otherTerm, `{"index":4,`, `{"index":4,"committed":"unknown",`, 1)
	if compared, got := SameHistory(map[string][]Entry{"one": one, "two": read(uncommitted)}); len(got) != 0 || compared != 2 {
		t.Errorf("different where one node does not know: compared %d, got %q", compared, got)
	}
}
