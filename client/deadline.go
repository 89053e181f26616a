package client

import "time"

// leaseClock turns instants of the cluster's clock into deadlines on this machine's.
type leaseClock struct {
	now           func() time.Duration
	rateTolerance float64
	margin        time.Duration
}

// reading is one comparison of the two clocks: a request that was sent at the moment sent on this machine's clock was committed at the instant committedMs of the
// cluster's. Only a request that was run through the log after it was sent makes one: not a read, and not a retry with the retry's own send time,
// unless the retry was run anew.
type reading struct {
	sent        time.Duration
	committedMs int64
}

// deadline is the moment on this machine's clock until which the cluster's clock has certainly not reached the instant endMs.
func (c leaseClock) deadline(known reading, endMs int64) time.Duration {
	span := time.Duration(max(0, endMs-known.committedMs)) * time.Millisecond
	certain := time.Duration(float64(span) * (1 - c.rateTolerance) / (1 + c.rateTolerance))
	return known.sent + certain - c.margin
}
