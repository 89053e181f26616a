package stage

import (
	"context"
	"fmt"
	"io"
)

// againEvery is how many seeds stand between two that are played a second time.
const againEvery = 25

// PlayForLedger plays a seed for a campaign. Every twenty-fifth is played again in another process and has to take the same course, to the last entry and answer: that seeds repeat exactly is
// the ground on which whoever looks into a violation stands, and it rests on things that Go does not promise.
func (s *Stage) PlayForLedger(ctx context.Context, seed uint64) *Result {
	first := s.Play(ctx, seed, "", io.Discard)
	if !s.Exact || seed%againEvery != 0 || first.Verdict() != "valid" {
		return first
	}
	second := s.Play(ctx, seed, "", io.Discard)
	if second.Verdict() != "valid" {
		// What one play shows is so, whatever another did; and one that came to no end has no course to compare.
		if len(second.Violations) > 0 {
			second.Undecided = append(second.Undecided, "played before in the same way it was valid: seeds of this build may not repeat exactly")
		}
		return second
	}
	if second.Fingerprint != first.Fingerprint {
		first.Undecided = append(first.Undecided, fmt.Sprintf("played twice it took two courses, with the fingerprints %s and %s: seeds of this build do not repeat exactly", first.Fingerprint, second.Fingerprint))
	}
	first.Counts["played twice"]++
	return first
}
