package store

import (
	"bytes"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/history"
)

func TestASmallerTokenIsRefusedAndTheTwinTellsWhatWouldHaveBeenLost(t *testing.T) {
	var buffer bytes.Buffer
	server, err := Start("127.0.0.1", history.NewWriter(&buffer), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client := &Client{Address: server.Address}
	do := func(request Request, accepted bool) Answer {
		t.Helper()
		request.Key = "r"
		answer, err := client.Do(t.Context(), request)
		if err != nil || answer.Accepted != accepted {
			t.Fatalf("%+v: got %+v, %v, want accepted %v", request, answer, err, accepted)
		}
		return answer
	}
	do(Request{Token: 5}, true)                            // an old holder reads, and is stopped
	do(Request{Token: 9}, true)                            // its successor reads
	do(Request{Token: 9, Write: true, Value: "new"}, true) // and writes
	do(Request{Token: 5, Write: true, Value: "old"}, false)
	if got := do(Request{Token: 9}, true).Value; got != "new" {
		t.Errorf("the register holds %q", got)
	}
	do(Request{Token: 0, Write: true, Base: "nonsense", Value: "x"}, true) // nobody guards a request without a token
	events, err := history.Read(&buffer)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, event := range events {
		count[event.Op]++
	}
	want := map[string]int{OpRead: 3, OpAccepted: 1, OpRefused: 1, OpTwinStale: 1, OpTwinLost: 1, OpLostUpdate: 1}
	for op, number := range want {
		if count[op] != number {
			t.Errorf("%d lines of %s, want %d; all: %v", count[op], op, number, count)
		}
	}
}
