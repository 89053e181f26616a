package clients

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/bent"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

func TestAClockFollowsItsOrdersAndEachIsNoted(t *testing.T) {
	var written bytes.Buffer
	clock, begin := bent.New(time.Hour, time.Second), history.Now()
	orders := `{"jump_ns":3600000000000}` + "\n" + `{"rate":0.5,"broken":true}` + "\n"
	if err := (Assignment{Process: "c7"}).follow(strings.NewReader(orders), clock, history.NewWriter(&written)); err != nil {
		t.Fatal(err)
	}
	if now := clock.Now(); now < 2*time.Hour || now > 2*time.Hour+time.Duration(history.Now()-begin) {
		t.Errorf("the clock says %v after a jump of an hour from one hour", now)
	}
	if until, doubtful := clock.Until(0, time.Second); until != int64(2*time.Second) || !doubtful {
		t.Errorf("a second of a clock at half its rate is over at %d, doubtful: %v", until, doubtful)
	}
	notes, err := history.Read(&written)
	if err != nil || len(notes) != 2 {
		t.Fatalf("got %v, %v", notes, err)
	}
	if jump := notes[0]; jump.Type != history.Note || jump.Op != workload.OpClock || jump.Process != "c7" || jump.TTL != time.Hour.Milliseconds() || jump.Sent < begin || jump.At < jump.Sent {
		t.Errorf("the jump is noted as %+v", jump)
	}
	if rate := notes[1]; rate.TTL != 0 || !strings.Contains(rate.Value, "Rate:0.5") {
		t.Errorf("the rate is noted as %+v", rate)
	}
}

func TestAnOrderThatCannotBeReadEndsTheProcess(t *testing.T) {
	err := (Assignment{}).follow(strings.NewReader("{nonsense\n"), bent.New(0, time.Second), history.NewWriter(new(bytes.Buffer)))
	if err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("got %v", err)
	}
}
