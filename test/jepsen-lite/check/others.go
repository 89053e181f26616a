package check

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// expiry holds the time at which another was granted the name of an abandoned lease against the lease's time to live. How late it may be is judged by overdue, from the log: who
// watches may be cut off from it.
func expiry(run *Run) Result {
	var violations []string
	var late []time.Duration
	for _, event := range run.Events {
		if event.Op != workload.OpExpired || event.Type != history.Note {
			continue
		}
		lived, ttl := time.Duration(event.At-event.Sent), time.Duration(event.TTL)*time.Millisecond
		late = append(late, lived-ttl)
		if least := time.Duration(float64(ttl)*(1-run.ClockTolerance)) - expiryTolerance; lived < least {
			violations = append(violations, fmt.Sprintf("%s (%s): another had it %v after the request that extended it last was sent, and its time to live is %v", event.Key, event.Value, lived, ttl))
		}
	}
	says := "no lease was abandoned"
	if len(late) > 0 {
		slices.Sort(late)
		says = fmt.Sprintf("%d abandoned leases were another's %v to %v (median %v) after their time", len(late),
			late[0].Round(time.Millisecond), late[len(late)-1].Round(time.Millisecond), late[len(late)/2].Round(time.Millisecond))
	}
	return found("", "abandoned leases", len(late), says, violations)
}

// stalePromised are the faults under which a holder writes late for certain: without a refused write such a run has proved nothing.
var stalePromised = []string{"pause-holder"}

func fenced(run *Run) Result {
	var violations []string
	count := map[string]int{}
	for _, event := range run.Events {
		if _, ofPool := workload.PoolPartition(event.Key); ofPool || event.Process != store.Process || event.Token == 0 {
			continue
		}
		count[event.Op]++
		if event.Op == store.OpLostUpdate {
			violations = append(violations, fmt.Sprintf("%s: %s wrote under token %d over a value that it had not read", event.Key, event.Holder, event.Token))
		}
	}
	says := fmt.Sprintf("%d writes accepted, %d stale requests refused; without tokens %d stale writes would have been accepted and %d updates lost",
		count[store.OpAccepted], count[store.OpRefused], count[store.OpTwinStale], count[store.OpTwinLost])
	result := found("", "accepted writes", count[store.OpAccepted], says, violations)
	promised := slices.ContainsFunc(run.Faults, func(fault string) bool { return slices.Contains(stalePromised, fault) })
	if promised && count[store.OpRefused] == 0 {
		result.Verdict = Worst(result.Verdict, Unknown)
		result.Says += "; a holder was stopped and no stale write came, so fencing was not put to the test"
	}
	return result
}

func agreement(run *Run) Result {
	type at struct{ node, hash string }
	first := map[uint64]at{}
	var violations []string
	compared := 0
	for _, said := range run.Said {
		other, known := first[said.Index]
		switch {
		case !known:
			first[said.Index] = at{said.Node, said.Hash}
		case other.node == said.Node:
			if other.hash != said.Hash {
				violations = append(violations, fmt.Sprintf("after entry %d %s said both %s and %s", said.Index, said.Node, other.hash, said.Hash))
			}
		default:
			compared++
			if other.hash != said.Hash {
				violations = append(violations, fmt.Sprintf("after entry %d the state of %s is %s and that of %s is %s", said.Index, other.node, other.hash, said.Node, said.Hash))
			}
		}
	}
	return found("", "states of two nodes after the same entry", compared, fmt.Sprintf("%d states compared", compared), violations)
}

// machineLag is how long the driver may have been kept from running before a missing recovery says nothing.
const machineLag = 5 * time.Second

// mostStrangers are the connections that may be closed as unrecognised, since nodes die while they dial, before a missing recovery may be the network's own fault.
const mostStrangers = 20

func liveness(run *Run) Result {
	recovery := run.Recovery
	var violations []string
	if recovery.HealError != nil {
		violations = append(violations, fmt.Sprintf("the cluster did not become whole after all faults had ended: %v", recovery.HealError))
	}
	if len(recovery.Lacking) > 0 {
		violations = append(violations, fmt.Sprintf("no progress after all faults had ended: %v", recovery.Lacking))
	}
	result := found("", "workloads", len(run.Workloads), fmt.Sprintf("%d workloads went on %v after the end of the last fault", len(run.Workloads), recovery.Took.Round(time.Millisecond)), violations)
	if len(violations) > 0 {
		result.Says = "not everything went on"
	}
	return recovery.excuse(result)
}

// excuse makes a violation of what should have gone on unknown when the machine, or the network, may be to blame.
func (r Recovery) excuse(result Result) Result {
	if result.Verdict != Invalid {
		return result
	}
	if r.Lag > machineLag {
		result.Verdict = Unknown
		result.Says += fmt.Sprintf("; but the driver itself could not run for %v, so this may be the machine", r.Lag.Round(time.Millisecond))
	}
	if r.Strangers > mostStrangers {
		result.Verdict = Unknown
		result.Says += fmt.Sprintf("; but the network did not recognise %d connections between nodes and closed them, so this may be its fault", r.Strangers)
	}
	return result
}

// alarming is what no node may ever write. A panic that a server caught, so that only one client saw it, is one too.
var alarming = regexp.MustCompile(`^panic:|^fatal error:|^unexpected fault address|WARNING: DATA RACE|^goroutine \d+ \[running\]|this node's state differs|serving a Redis client failed|http: panic serving`)

// contextLines are how many lines after an alarming one are kept with it.
const contextLines = 8

// alarm is what a node wrote, with the lines that followed.
type alarm struct {
	text     strings.Builder
	lacking  int // lines
	excused  bool
	reported string // the file
}

// NodeLogs looks in the run's NodeLogs for what no node may ever write. It needs nothing else of the run.
func NodeLogs(run *Run) Result {
	var violations []string
	lines, excused := 0, 0
	for _, path := range run.NodeLogs {
		alarms, read, err := alarmsIn(path, run.Excused[path])
		if err != nil {
			return Result{Verdict: Unknown, Says: err.Error()}
		}
		lines += read
		for _, one := range alarms {
			if one.excused {
				excused++
				continue
			}
			violations = append(violations, one.reported+": "+one.text.String())
		}
	}
	says := fmt.Sprintf("%d lines of %d nodes", lines, len(run.NodeLogs))
	if excused > 0 {
		says += fmt.Sprintf("; %d crashes of nodes whose disks had failed them", excused)
	}
	return found("", "lines", lines, says, violations)
}

// alarmsIn reads one log. One that is not there has no lines.
func alarmsIn(path string, excuses [][2]int64) (alarms []*alarm, lines int, err error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(make([]byte, 64<<10), 16<<20)
	var open *alarm
	for at := int64(0); scanner.Scan(); at += int64(len(scanner.Bytes())) + 1 {
		lines++
		switch {
		case open != nil && open.lacking > 0:
			fmt.Fprintf(&open.text, "\n        %.300s", scanner.Text())
			open.lacking--
		case alarming.Match(scanner.Bytes()):
			open = &alarm{lacking: contextLines, reported: filepath.Base(path)}
			open.excused = slices.ContainsFunc(excuses, func(span [2]int64) bool { return at >= span[0] && at < span[1] })
			fmt.Fprintf(&open.text, "%.1000s", scanner.Text())
			alarms = append(alarms, open)
		}
	}
	return alarms, lines, scanner.Err()
}
