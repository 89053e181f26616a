package beliefs

import (
	"strings"
	"testing"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/compat/lines"
)

const goodLog = `
{"index":3,"term":2,"now_ms":100,"commands":[{}],"events":[{"type":"began","name":"a","database":0,"token":3,"holder":"x"}]}
{"index":4,"term":2,"now_ms":160,"events":[{"type":"ended","name":"a","token":3,"reason":"deleted"},{"type":"began","name":"b","token":4,"holder":"y"}]}
{"index":6,"term":2,"now_ms":300,"events":[{"type":"began","name":"a","token":6,"holder":"y"},{"type":"ended","name":"b","token":4,"reason":"expired"}]}
`

func judgeText(t *testing.T, text string) *committed.History {
	t.Helper()
	entries, err := committed.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return committed.Judge(entries)
}

func TestJudgeFindsPlantedFaults(t *testing.T) {
	history := judgeText(t, goodLog)
	held := func(client, name, holder string, token, from, until, ttl int64) Belief {
		return Belief{client, true, lines.Line{Name: name, Holder: holder, Token: token, SentUS: from, FromUS: from, UntilUS: until, TTLMS: ttl}}
	}
	good := []Belief{held("one", "a", "x", 3, 1000, 2000, 50), held("two", "a", "y", 6, 2001, 3000, 50), held("three", "b", "y", 4, 0, 10, 50)}
	if got := Judge(history, good); len(got) != 0 {
		t.Errorf("good beliefs: got %q", got)
	}
	for fault, belief := range map[string]Belief{
		"never granted":             held("four", "a", "x", 5, 9000, 9001, 50),
		"granted that to \"x\"":     held("four", "a", "z", 3, 9000, 9001, 50),
		"the log never granted":     held("four", "a", "z", 0, 9000, 9001, 50),
		"expired after 140 ms":      held("four", "b", "y", 4, 9000, 9001, 5000),
		"held it from 1000 to 2000": held("four", "a", "y", 6, 1500, 1600, 50),
	} {
		if got := strings.Join(Judge(history, append(good[:len(good):len(good)], belief)), "\n"); !strings.Contains(got, fault) {
			t.Errorf("want a violation with %q, got %q", fault, got)
		}
	}
}

func TestALibraryThatGaveItsLockBackIsNoSecondHolder(t *testing.T) {
	const begin = `{"index":3,"now_ms":1,"events":[{"type":"began","name":"a","token":3,"holder":"x"}]}` + "\n"
	const next = "\n" + `{"index":5,"now_ms":3,"events":[{"type":"began","name":"a","token":5,"holder":"y"}]}`
	overlapping := func(end string) []Belief {
		first := lines.Line{Name: "a", Holder: "x", Token: 3, SentUS: 10, FromUS: 10, UntilUS: 2000, TTLMS: 50, End: end}
		second := lines.Line{Name: "a", Holder: "y", Token: 5, SentUS: 1000, FromUS: 1000, UntilUS: 3000, TTLMS: 50, End: "released"}
		return []Belief{{"one", true, first}, {"two", true, second}}
	}
	ended := func(value string) *committed.History {
		return judgeText(t, begin+`{"index":4,"now_ms":2,"commands":[{"arguments":["`+value+`"]}],"events":[{"type":"ended","name":"a","token":3,"reason":"deleted"}]}`+next)
	}
	if got := Judge(ended("x"), overlapping("not_owned")); len(got) != 0 {
		t.Errorf("its own value ended it, and its release found nothing: %q", got)
	}
	if got := Judge(ended("z"), overlapping("not_owned")); len(got) != 1 {
		t.Errorf("another's command ended it: got %q", got)
	}
	if got := Judge(ended("x"), overlapping("released")); len(got) != 1 {
		t.Errorf("its release found it after another had it: got %q", got)
	}
}
