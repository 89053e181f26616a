package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/report"
)

// judge reads what the run left and comes to its verdict.
func (r *run) judge(ctx context.Context) error {
	evidence, err := r.evidence(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		r.problem("this cannot be judged: %v", err)
	} else {
		r.verdict.Results = append(r.verdict.Results, check.Judge(evidence)...)
	}
	r.verdict.Effects, r.verdict.Recovery = r.net.Effects(), r.result.Took
	if err := r.net.Err(); err != nil {
		r.problem("%v", err)
	}
	r.verdict.Settle()
	return nil
}

// Settle makes the verdict from the results. It is no better than unknown when there were problems, or when nothing went wrong of what was planned.
func (v *Verdict) Settle() {
	var verdicts []check.Verdict
	for _, result := range v.Results {
		verdicts = append(verdicts, result.Verdict)
	}
	if len(v.Problems) > 0 || len(v.Plan.Nemeses) > 0 && len(v.Plan.Endpoints) == 0 && len(v.Faults) == 0 {
		verdicts = append(verdicts, check.Unknown)
	}
	v.Verdict = check.Worst(verdicts...)
}

func (r *run) evidence(ctx context.Context) (*check.Run, error) {
	events, operations, err := r.readHistory()
	if err != nil {
		return nil, err
	}
	evidence := &check.Run{Workloads: r.plan.Workloads, Events: events, Operations: operations, TTL: r.plan.TTL, Recovery: r.result}
	for _, fault := range r.verdict.Faults {
		evidence.Faults = append(evidence.Faults, fault.Name)
		if fault.Round > 0 {
			evidence.Slowed = append(evidence.Slowed, check.Slowed{From: fault.From, Until: fault.Until, Round: fault.Round})
		}
	}
	evidence.ClockTolerance = ClockTolerance(r.plan)
	if r.cluster == nil {
		return evidence, nil
	}
	evidence.Said = r.poller.all()
	for _, node := range r.cluster.Nodes() {
		evidence.NodeLogs = append(evidence.NodeLogs, node.Log())
	}
	logs := r.committedLogs(ctx)
	if len(logs) == 0 {
		r.problem("no node left a log that can be read")
		return evidence, nil // the clients' histories are judged all the same
	}
	evidence.Log = check.NewLog(logs)
	r.addReplaced(evidence)
	return evidence, nil
}

// committedLogs reads what each node has committed, of all at once. That one cannot be read is a problem.
func (r *run) committedLogs(ctx context.Context) map[string][]committed.Entry {
	nodes := r.cluster.Nodes()
	read, errs := make([][]committed.Entry, len(nodes)), make([]error, len(nodes))
	var group sync.WaitGroup
	for i, node := range nodes {
		group.Go(func() { read[i], errs[i] = committed.Inspect(ctx, r.place.Binary, node.DataDir) })
	}
	group.Wait()
	logs := map[string][]committed.Entry{}
	for i, node := range nodes {
		if errs[i] != nil {
			r.problem("the log of %s cannot be read: %v", node.Name, errs[i])
			continue
		}
		logs[node.Name] = read[i]
	}
	return logs
}

// addReplaced adds what nemeses kept of nodes that are no more.
func (r *run) addReplaced(evidence *check.Run) {
	replaced := map[string][]committed.Entry{}
	for _, kept := range r.env.Kept {
		replaced[kept.Name] = kept.Entries
	}
	evidence.Log.CompareAlso(replaced)
	evidence.Excused = map[string][][2]int64{}
	for _, excuse := range r.env.Excused {
		if excuse.To < 0 {
			excuse.To = math.MaxInt64 // the node never came back
		}
		evidence.Excused[excuse.Path] = append(evidence.Excused[excuse.Path], [2]int64{excuse.From, excuse.To})
	}
}

// seenBroken looks, while the run goes on, for what can be seen without the logs.
func (r *run) seenBroken() bool {
	events, operations, err := r.readHistory()
	if err != nil {
		return false
	}
	sofar := &check.Run{ClockTolerance: ClockTolerance(r.plan), Workloads: r.plan.Workloads, Events: events, Operations: operations, TTL: r.plan.TTL, Said: r.poller.all()}
	return slices.ContainsFunc(check.JudgeEarly(sofar), func(result check.Result) bool { return result.Verdict == check.Invalid })
}

// report writes the verdict and the page, and throws away what nobody needs after a good run. What of it fails is a problem. After a run that broke off the nodes may still write their data.
func (r *run) report(ended bool) error {
	problems := len(r.verdict.Problems)
	err := errors.Join(r.writeVerdict(), r.page())
	if ended {
		err = errors.Join(err, r.leaveData())
	}
	if err != nil {
		r.problem("%v", err)
	}
	if len(r.verdict.Problems) == problems {
		return nil
	}
	r.verdict.Settle()
	return errors.Join(r.writeVerdict(), r.page())
}

func (r *run) writeVerdict() error {
	text, err := json.MarshalIndent(r.verdict, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.place.Out, VerdictFile), append(text, '\n'), 0o644)
}

// leaveData leaves the nodes' data to people unless all was well.
func (r *run) leaveData() error {
	if r.verdict.Verdict == check.Valid {
		return r.forgetData()
	}
	return r.keepData()
}

// readHistory reads what was written of the run.
func (r *run) readHistory() ([]history.Event, []history.Operation, error) {
	events, err := history.ReadFile(r.file.Name())
	if err != nil {
		return nil, nil, err
	}
	operations, err := history.Pair(events)
	return events, operations, err
}

// page draws the page; without a history that can be read it has the verdict, the results and the problems.
func (r *run) page() error {
	events, operations, unread := r.readHistory()
	if unread != nil {
		events, operations = nil, nil
	}
	page := report.Page{
		Verdict: string(r.verdict.Verdict), Command: r.verdict.Command, Start: r.verdict.Start, Took: r.verdict.Took, Results: r.verdict.Results,
		Skipped: r.verdict.Skipped, Problems: r.verdict.Problems, Events: events, Operations: operations, Recovery: r.verdict.Recovery, Network: r.verdict.Effects.String(),
	}
	if unread != nil {
		page.Problems = append(slices.Clip(page.Problems), fmt.Sprintf("the history is not drawn: %v", unread))
	}
	page.Holders = (&check.Run{Events: events, Operations: operations}).Holders()
	for _, fault := range r.verdict.Faults {
		page.Faults = append(page.Faults, report.Fault{Name: fault.Name, From: fault.From, Until: fault.Until, Did: fault.Did, Error: fault.Error})
	}
	file, err := os.Create(filepath.Join(r.place.Out, ReportFile))
	if err != nil {
		return err
	}
	if err := page.Write(file); err != nil {
		return errors.Join(fmt.Errorf("the report cannot be written: %w", err), file.Close())
	}
	return file.Close()
}

// forgetData removes the nodes' data, which a valid run needs no more.
func (r *run) forgetData() error {
	r.closeDisks()
	return os.RemoveAll(filepath.Join(r.place.Out, DataFolder))
}

// keepData copies what lies on file systems that are about to go.
func (r *run) keepData() error {
	for _, one := range r.disks {
		if err := os.CopyFS(one.Path+"-kept", os.DirFS(one.Path)); err != nil {
			return fmt.Errorf("the data of a node cannot be kept: %w", err)
		}
	}
	return nil
}
