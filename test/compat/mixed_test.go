package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/coordd/coordd/internal/committed"
)

// heldBy is a log in which one name is held by these holders, one after the other.
func heldBy(t *testing.T, reason string, holders ...string) *committed.History {
	t.Helper()
	var text strings.Builder
	for i, holder := range holders {
		index := 2*i + 1
		fmt.Fprintf(&text, `{"index":%d,"events":[{"type":"began","name":"a","token":%d,"holder":%q}]}`+"\n", index, index, holder)
		fmt.Fprintf(&text, `{"index":%d,"events":[{"type":"ended","name":"a","token":%d,"reason":%q}]}`+"\n", index+1, index, reason)
	}
	entries, err := committed.Read(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return committed.Judge(entries)
}

// everyWay has each protocol followed by each.
var everyWay = []string{
	"v1", "v2", "session 3-0 owner a", "session 4-1 owner b", "lock 9-0", "lock 11-0", "v3", "lock 13-0", "session 3-0 owner c", "v4",
}

func TestMixedWantsEveryWayBetweenProtocols(t *testing.T) {
	quiet := &setup{out: io.Discard}
	if got := judgeProtocols(quiet, heldBy(t, "released", everyWay...)); len(got) != 0 {
		t.Errorf("every way was gone: got %q", got)
	}
	got := judgeProtocols(quiet, heldBy(t, "released", everyWay[:5]...))
	if len(got) != 5 || !strings.Contains(strings.Join(got, "\n"), "no native lease was followed by a Redis key") {
		t.Errorf("four of nine ways were gone: got %q", got)
	}
}

func TestMixedFindsALivingSessionThatEnded(t *testing.T) {
	got := judgeProtocols(&setup{out: io.Discard}, heldBy(t, "session_ended", everyWay...))
	if len(got) == 0 || !strings.Contains(got[0], "ended with its session") {
		t.Errorf("got %q", got)
	}
}
