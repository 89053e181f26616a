package raftnode

import (
	"fmt"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/gossip"
)

// seen is a worker's word in the gossip.
func seen(session string, state gossip.State) gossip.Member {
	return gossip.Member{Worker: gossip.Worker{ClusterName: "test", Session: session}, State: state}
}

// agreeing are sessions 1-0 to 9-0: the odd ones agreed to an early end, and each may end at the instant 1000·n.
func agreeing(id command.SessionID) (renewed, due command.Instant, ok bool) {
	due = command.Instant(1000 * id.Index)
	return due - 500, due, id.Index%2 == 1 && id.Index < 10
}

func TestOnlySilentSessionsThatAgreedAreDoubted(t *testing.T) {
	for what, test := range map[string]struct {
		workers []gossip.Member
		clock   command.Instant
		want    string
	}{
		"nobody":                              {nil, 9000, "[]"},
		"dead":                                {[]gossip.Member{seen("1-0", gossip.Dead)}, 1000, "[{1-0 500}]"},
		"suspect":                             {[]gossip.Member{seen("1-0", gossip.Suspect)}, 1000, "[{1-0 500}]"},
		"alive":                               {[]gossip.Member{seen("1-0", gossip.Alive)}, 9000, "[]"},
		"left":                                {[]gossip.Member{seen("1-0", gossip.Left)}, 9000, "[]"},
		"one left, another died":              {[]gossip.Member{seen("1-0", gossip.Dead), seen("1-0", gossip.Left)}, 1000, "[{1-0 500}]"},
		"renewed lately":                      {[]gossip.Member{seen("1-0", gossip.Dead)}, 999, "[]"},
		"did not agree":                       {[]gossip.Member{seen("2-0", gossip.Dead)}, 9000, "[]"},
		"no session":                          {[]gossip.Member{seen("", gossip.Dead), seen("x", gossip.Dead), seen("11-0", gossip.Dead)}, 9000, "[]"},
		"named by one that lives, first":      {[]gossip.Member{seen("1-0", gossip.Alive), seen("1-0", gossip.Dead)}, 9000, "[]"},
		"named by one that lives, last":       {[]gossip.Member{seen("1-0", gossip.Dead), seen("1-0", gossip.Suspect), seen("1-0", gossip.Alive)}, 9000, "[]"},
		"named by two":                        {[]gossip.Member{seen("1-0", gossip.Dead), seen("1-0", gossip.Dead), seen("3-0", gossip.Suspect)}, 9000, "[{1-0 500} {3-0 2500}]"},
		"the successor lives, the first died": {[]gossip.Member{seen("1-0", gossip.Dead), seen("3-0", gossip.Alive)}, 9000, "[{1-0 500}]"},
	} {
		d := doubts{earlyEnd: agreeing, proposed: map[command.SessionID]time.Time{}}
		if got := fmt.Sprint(d.look(test.workers, test.clock, time.Now())); got != test.want {
			t.Errorf("%s: %s is proposed, and %s should be", what, got, test.want)
		}
	}
}

// A node may have said a moment ago that it hears a worker, and the worker counts with that word for a moment. Until then its silence is no reason to look.
func TestASilenceThatHasJustBegunIsNotDoubted(t *testing.T) {
	began := time.Now()
	for _, state := range []gossip.State{gossip.Suspect, gossip.Dead} {
		d := doubts{earlyEnd: agreeing, proposed: map[command.SessionID]time.Time{}}
		worker := seen("1-0", state)
		worker.Since = began
		if early := d.look([]gossip.Member{worker}, 9000, began.Add(wordHolds-time.Millisecond)); len(early) != 0 {
			t.Errorf("%s for less than a word holds: %v is proposed", state, early)
		}
		if due := d.look([]gossip.Member{worker}, 9000, began.Add(wordHolds)); len(due) != 1 {
			t.Errorf("%s for as long as a word holds: %v is proposed", state, due)
		}
	}
}

// However long gossip insists, and however often a proposal is lost, there are few.
func TestDoubtsCostAFewEntries(t *testing.T) {
	d := doubts{earlyEnd: agreeing, proposed: map[command.SessionID]time.Time{}}
	proposals, begin := 0, time.Now()
	for at := time.Duration(0); at < 10*time.Second; at += doubtInterval {
		proposals += len(d.look([]gossip.Member{seen("1-0", gossip.Dead), seen("2-0", gossip.Dead), seen("1-0", gossip.Dead)}, 9000, begin.Add(at)))
	}
	if proposals != 5 {
		t.Errorf("%d proposals in 10 s about a session that does not end; one each %v was expected", proposals, doubtAgain)
	}
	many := make([]gossip.Member, 10*maxDoubts)
	for i := range many {
		many[i] = seen(fmt.Sprintf("%d-0", i), gossip.Dead)
	}
	d.earlyEnd = func(command.SessionID) (renewed, due command.Instant, ok bool) { return 0, 0, true }
	if n := len(d.look(many, 9000, begin)); n != maxDoubts {
		t.Errorf("%d are proposed at one look; the limit is %d", n, maxDoubts)
	}
	d.look(nil, 9000, begin)
	if len(d.proposed) != 0 {
		t.Errorf("%d proposals are remembered of workers that gossip does not show any more", len(d.proposed))
	}
}
