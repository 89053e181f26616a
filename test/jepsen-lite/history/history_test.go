package history

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestReadLeavesOutALineThatWasCutShort(t *testing.T) {
	var buffer bytes.Buffer
	recorder := NewRecorder(NewWriter(&buffer), "p", "lock")
	op := recorder.Invoke(Event{Op: "acquire", Key: "a"})
	op.Token = 7
	recorder.End(op, OK, nil)
	whole := buffer.String()
	events, err := Read(strings.NewReader(whole + `{"at_ns":12,"type":"inv`))
	if err != nil || len(events) != 2 || events[1].Token != 7 || events[1].Workload != "lock" {
		t.Fatalf("got %+v, %v", events, err)
	}
	if _, err := Read(strings.NewReader(`{"at_ns":12,"type":"inv` + "\n" + whole)); err == nil {
		t.Error("a broken line in the middle was accepted")
	}
}

func TestAProcessWhoseOperationIsUnknownGetsAnotherName(t *testing.T) {
	var buffer bytes.Buffer
	recorder := NewRecorder(NewWriter(&buffer), "p", "lock")
	recorder.End(recorder.Invoke(Event{Op: "acquire"}), Info, errors.New("no answer"))
	second := recorder.Invoke(Event{Op: "acquire"})
	recorder.End(second, Fail, nil)
	third := recorder.Invoke(Event{Op: "acquire"})
	if second.Process != "p#1" || third.Process != "p#1" {
		t.Errorf("got %q and %q, want another name after info and the same one after fail", second.Process, third.Process)
	}
	events, _ := Read(&buffer)
	operations, err := Pair(events)
	if err != nil || len(operations) != 3 {
		t.Fatalf("got %d operations, %v", len(operations), err)
	}
	if operations[0].Return() != Never || operations[2].Return() != Never || operations[1].Return() == Never {
		t.Errorf("an unknown end and a missing end never return; got %+v", operations)
	}
}

func TestPairRefusesWhatNoRecorderWrites(t *testing.T) {
	for problem, events := range map[string][]Event{
		"has not ended": {{Type: Invoke, Process: "p"}, {Type: Invoke, Process: "p"}},
		"did not begin": {{Type: OK, Process: "p"}},
		"used after an operation whose end is unknown: has not ended": {{Type: Invoke, Process: "p"}, {Type: Info, Process: "p"}, {Type: Invoke, Process: "p"}},
	} {
		_, err := Pair(events)
		_, sentence, found := strings.Cut(problem, ": ")
		if !found {
			sentence = problem
		}
		if err == nil || !strings.Contains(err.Error(), sentence) {
			t.Errorf("%s: got %v", problem, err)
		}
	}
}
