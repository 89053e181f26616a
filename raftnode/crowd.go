package raftnode

import "time"

// When many clients take and release as fast as they are answered, the replies of one entry bring its next commands. An entry that is sealed at the first of
// them leaves most behind, and entries cost far more than commands: so above a crowd of crowdAbove, the proposer waits for a moment until most are back. A
// moment is never longer than what the last entry took. Below that load nothing waits.
const (
	crowdAbove = 12 // commands
	crowdMost  = 5 * time.Millisecond
	crowdKeeps = 8 // entries after which a crowd that went away is forgotten for the most part
)

// crowd knows how many commands clients lately had under way at once. The proposer's goroutine uses it.
type crowd struct {
	size  float64       // commands, in flight and waiting
	since time.Duration // monotonic: when the last entry came back
	took  time.Duration // from its seal until then
}

// landed notes that an entry came back, while so many commands were in flight, in it or waiting.
func (c *crowd) landed(now, sealedAt time.Duration, commands int) {
	c.since, c.took = now, now-sealedAt
	c.size = max(float64(commands), c.size-c.size/crowdKeeps)
}

// patience is how long an entry of those that wait should still wait for others, while nothing is in flight.
func (c *crowd) patience(now time.Duration, waiting int) time.Duration {
	const most = 7.0 / 8 // some clients think before they ask again
	if c.size < crowdAbove || float64(waiting) >= c.size*most {
		return 0
	}
	return max(c.since+min(c.took, crowdMost)-now, 0)
}
