package world

// rule is what a violation broke. Where the harness with real processes has a checker for the same, it has the same name.
type rule string

const (
	agreement    rule = "agreement"      // machines that ran the same entries are in the same state, and answered alike
	exclusion    rule = "exclusion-log"  // by the log no name has two exclusive holders
	tokens       rule = "tokens"         // tokens rise, and are what the log says
	fifo         rule = "fifo"           // nobody overtakes a waiter
	durable      rule = "durable-grants" // a grant that a client was told of is in the log
	linearizable rule = "linearizable"   // answers were true at some moment between question and answer
	exactlyOnce  rule = "exactly-once"   // a request has at most one effect
	expiry       rule = "expiry"         // nothing live ends early
	partitions   rule = "pools"          // a partition has at most one owner at any index, with a token of its own
	liveness     rule = "liveness"       // a healed cluster serves, and nothing stays behind
	nodeEnds     rule = "node-ends"      // nodes end for known reasons only
	leftovers    rule = "leftovers"      // nothing of a node runs on when it has ended
)
