package differential

import (
	"context"
	"sync"
)

// Campaign is many sequences.
type Campaign struct {
	Runner *Runner
	// Seed makes the sequences; First and Count say which.
	Seed, First, Count uint64
	// Lanes is how many sequences run at once.
	Lanes int
	// Progress, when it is not nil, is called after each sequence.
	Progress func(done uint64)
}

// Report is what a campaign found.
type Report struct {
	Sequences, Commands    int
	Replies, Exact, Masked int
	// Allowed counts replies by the allowance that covered them.
	Allowed map[string]int
	// Differing is how many sequences differed; Findings has one, shrunk, for
	// each kind of difference, and how many sequences showed that kind.
	Differing int
	Findings  []*Finding
}

// Finding is one kind of difference.
type Finding struct {
	Difference *Difference
	Times      int
}

// maxFindings bounds how many kinds are shrunk and kept.
const maxFindings = 40

// Run runs the campaign. Only a comparison that could not be made is an error.
func (c *Campaign) Run(ctx context.Context) (*Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	report := &reporter{campaign: c, report: &Report{Allowed: map[string]int{}}, bySignature: map[string]*Finding{}}
	numbers := make(chan uint64)
	var lanes sync.WaitGroup
	for range c.Lanes {
		lanes.Go(func() {
			for number := range numbers {
				if err := report.one(ctx, number); err != nil {
					cancel(err)
				}
			}
		})
	}
	for number := c.First; number < c.First+c.Count && ctx.Err() == nil; number++ {
		numbers <- number
	}
	close(numbers)
	lanes.Wait()
	return report.report, context.Cause(ctx)
}

type reporter struct {
	campaign *Campaign
	// alone is held for writing by who must run without others.
	alone sync.RWMutex

	mu          sync.Mutex
	report      *Report
	bySignature map[string]*Finding
}

func (r *reporter) one(ctx context.Context, number uint64) error {
	if ctx.Err() != nil {
		return nil
	}
	sequence := Generate(r.campaign.Seed, number)
	r.alone.RLock()
	outcome, err := r.campaign.Runner.Run(ctx, sequence, 0)
	r.alone.RUnlock()
	if err != nil {
		return err
	}
	if found := outcome.Difference; found != nil && found.unsteady != "" {
		r.alone.Lock()
		steady, err := r.campaign.Runner.steady(ctx, found)
		r.alone.Unlock()
		if err != nil {
			return err
		}
		if !steady {
			outcome.Allowed[found.unsteady]++
			outcome.Difference = nil
		}
	}
	if finding := r.add(sequence, outcome); finding != nil {
		smaller, err := r.campaign.Runner.Shrink(ctx, outcome.Difference)
		if err != nil {
			return err
		}
		r.mu.Lock()
		finding.Difference = smaller
		r.mu.Unlock()
	}
	return nil
}

// add counts an outcome and returns the finding to shrink if its difference is
// the first of its kind.
func (r *reporter) add(sequence Sequence, outcome *Outcome) *Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := r.report
	report.Sequences++
	report.Commands += sequence.Size()
	report.Replies += outcome.Replies
	report.Exact += outcome.Exact
	report.Masked += outcome.Masked
	for name, times := range outcome.Allowed {
		report.Allowed[name] += times
	}
	if r.campaign.Progress != nil {
		r.campaign.Progress(uint64(report.Sequences))
	}
	if outcome.Difference == nil {
		return nil
	}
	report.Differing++
	signature := outcome.Difference.Signature()
	if known := r.bySignature[signature]; known != nil {
		known.Times++
		return nil
	}
	if len(report.Findings) >= maxFindings {
		return nil
	}
	finding := &Finding{Difference: outcome.Difference, Times: 1}
	r.bySignature[signature] = finding
	report.Findings = append(report.Findings, finding)
	return finding
}
