package client

import "time"

// leaseClock turns instants of the cluster's clock into deadlines on this machine's.
type leaseClock struct {
	now           func() time.Duration
	rateTolerance float64
	margin        time.Duration
}

// deadline is the moment on this machine's clock until which the cluster's clock has certainly not reached the instant endMs, given that a
// request sent at sent was committed at the instant committedMs. Only an answer to a request that was run through the log after it was
// sent may be used: not a read, and not the answer to a retry with the retry's own send time, unless the retry was run anew.
func (c leaseClock) deadline(sent time.Duration, committedMs, endMs int64) time.Duration {
	span := time.Duration(max(0, endMs-committedMs)) * time.Millisecond
	certain := time.Duration(float64(span) * (1 - c.rateTolerance) / (1 + c.rateTolerance))
	return sent + certain - c.margin
}
