package differential

import (
	"context"
	"slices"
)

// shrinkAttempts bounds how often a sequence is run again to make it smaller.
const shrinkAttempts = 200

// Shrink returns a difference like the given one that needs fewer commands:
// everything after it is cut off, then each command before it is left out as
// long as a difference remains at the end.
func (r *Runner) Shrink(ctx context.Context, found *Difference) (*Difference, error) {
	attempt := 1
	tries := func(sequence Sequence) (*Difference, error) {
		attempt++
		outcome, err := r.Run(ctx, sequence, attempt)
		if err != nil {
			return nil, err
		}
		return outcome.Difference, nil
	}
	smallest := found.cut()
	for progress := true; progress && attempt < shrinkAttempts; {
		progress = false
		for _, candidate := range withoutOne(smallest.Sequence) {
			again, err := tries(candidate)
			if err != nil {
				return smallest, err
			}
			if again != nil && again.command().name() == found.command().name() {
				smallest, progress = again.cut(), true
				break
			}
			if attempt >= shrinkAttempts {
				break
			}
		}
	}
	return smallest, nil
}

// cut is the difference without what came after it.
func (d *Difference) cut() *Difference {
	shorter := *d
	shorter.Sequence.Steps = slices.Clone(d.Sequence.Steps[:d.Step+1])
	last := &shorter.Sequence.Steps[d.Step]
	last.Commands = last.Commands[:d.Command+1]
	return &shorter
}

// How often a difference that may come from outside its sequence is looked for
// again, and how often it must show to be the sequence's own. Under the new
// names of each attempt two of them fall into one bucket once in a thousand.
const (
	steadyAttempts = 5
	steadyShown    = 2
)

// steady runs the sequence of a difference a few times more, and says whether
// the difference shows again. Nothing else may run at the same time, so that
// nothing comes from outside.
func (r *Runner) steady(ctx context.Context, found *Difference) (bool, error) {
	shown := 0
	for attempt := range steadyAttempts {
		outcome, err := r.Run(ctx, found.Sequence, -1-attempt)
		if err != nil {
			return true, err
		}
		if outcome.Difference != nil {
			shown++
		}
	}
	return shown >= steadyShown, nil
}

// withoutOne returns the sequences that lack one command, the latest first; the
// last command, which shows the difference, stays.
func withoutOne(sequence Sequence) []Sequence {
	var candidates []Sequence
	for number := len(sequence.Steps) - 1; number >= 0; number-- {
		step := sequence.Steps[number]
		for position := len(step.Commands) - 1; position >= 0; position-- {
			if number == len(sequence.Steps)-1 && position == len(step.Commands)-1 {
				continue
			}
			smaller := sequence
			smaller.Steps = slices.Clone(sequence.Steps)
			if len(step.Commands) == 1 {
				smaller.Steps = slices.Delete(smaller.Steps, number, number+1)
			} else {
				smaller.Steps[number].Commands = slices.Delete(slices.Clone(step.Commands), position, position+1)
			}
			candidates = append(candidates, smaller)
		}
	}
	return candidates
}
