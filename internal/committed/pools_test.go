package committed

import (
	"strings"
	"testing"
)

const poolLog = `
{"index":3,"commands":[{"kind":"pool_join"}],"events":[{"type":"pool_worker","pool":"campaign","worker":"w01","reason":"joined"}],"pools":[{"pool":"campaign","version":2,"partitions":[{"partition":0,"owner":"w01","token":3},{"partition":1,"owner":"w01","token":3}]}]}
{"index":4,"commands":[],"events":[],"pools":[{"pool":"campaign","version":3,"partitions":[{"partition":0,"owner":"w01","token":3,"draining":true}]}]}
{"index":5,"commands":[{"kind":"pool_acknowledge","pool":"campaign","worker":"w01","releases":[{"partition":0,"token":3}]}],"events":[],"pools":[{"pool":"campaign","version":4,"partitions":[{"partition":0,"owner":"w02","token":5}]}]}
{"index":6,"commands":[],"events":[{"type":"pool_worker","pool":"campaign","worker":"w01","reason":"lost"}],"pools":[{"pool":"campaign","version":5,"partitions":[{"partition":1,"owner":"","token":3}]},{"pool":"other","version":5,"partitions":[{"partition":1,"owner":"x","token":1}]}]}
{"index":7,"commands":[],"events":[],"pools":[{"pool":"campaign","version":6,"partitions":[{"partition":1,"owner":"w02","token":7}]}]}
`

func judgePoolText(t *testing.T, text string) *PoolHistory {
	t.Helper()
	entries, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return JudgePool(entries, "campaign")
}

func TestJudgePoolAcceptsAGoodLog(t *testing.T) {
	history := judgePoolText(t, poolLog)
	if len(history.Violations) != 0 || len(history.Granted) != 4 || history.Granted[Grant{0, 5}] != "w02" || history.Entries != 5 {
		t.Errorf("got %+v", history)
	}
	if moved := history.Moved([]string{"w01", "w01"}, 2, 6); len(moved) != 2 {
		t.Errorf("moved: %v", moved)
	}
	if moved := history.Moved([]string{"w02", "w01"}, 2, 5); len(moved) != 1 {
		t.Errorf("granted to another and back is a move too: %v", moved) // partition 0 was w01's at version 3
	}
}

func TestJudgePoolFindsPlantedFaults(t *testing.T) {
	for fault, change := range map[string][2]string{
		"goes from w01 (token 3) to \"w02\"": {`"releases":[{"partition":0,"token":3}]`, `"releases":[{"partition":1,"token":3}]`},
		"neither given it back":              {`"worker":"w01","releases"`, `"worker":"w03","releases"`},
		"goes from w01 (token 3) to \"\"":    {`"worker":"w01","reason":"lost"`, `"worker":"w09","reason":"lost"`},
		"token 3 after token 3":              {`"owner":"w02","token":7`, `"owner":"w02","token":3`},
		"has forgotten token 3":              {`"owner":"","token":3`, `"owner":"","token":0`},
	} {
		if !strings.Contains(poolLog, change[0]) {
			t.Fatalf("the log has no %s", change[0])
		}
		if got := strings.Join(judgePoolText(t, strings.Replace(poolLog, change[0], change[1], 1)).Violations, "\n"); !strings.Contains(got, fault) {
			t.Errorf("want a violation with %q, got %q", fault, got)
		}
	}
}

func TestAPartitionAtAVersion(t *testing.T) {
	history := judgePoolText(t, poolLog)
	for _, one := range []struct {
		partition int
		version   int64
		owner     string
		token     int64
		known     bool
	}{{0, 1, "", 0, false}, {0, 2, "w01", 3, true}, {0, 3, "w01", 3, true}, {0, 9, "w02", 5, true}, {1, 5, "", 3, true}, {1, 6, "w02", 7, true}, {2, 6, "", 0, false}} {
		if found, known := history.At(one.partition, one.version); found.Owner != one.owner || found.Token != one.token || known != one.known {
			t.Errorf("partition %d at version %d: %+v, known %v; want %+v", one.partition, one.version, found, known, one)
		}
	}
	if found, _ := history.At(0, 3); !found.Draining {
		t.Errorf("%+v is handed over at that version", found)
	}
}
