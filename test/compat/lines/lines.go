package lines

// Events of a line.
const (
	Check   = "check"
	Held    = "held"
	Error   = "error"
	Summary = "summary"
)

// How a time in which a lock was held ended, as its holder saw it.
const (
	Released = "released"
	NotOwned = "not_owned"
	Unknown  = "unknown"
)

// Line is one JSON line of a worker's standard output. Times are Unix microseconds of
// this machine's clock.
type Line struct {
	Event string `json:"event"`
	// Of a check.
	Step   string `json:"step,omitempty"`
	OK     bool   `json:"ok,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Of a time in which a lock was held. SentUS is when the acquire began,
	// FromUS when it had succeeded, UntilUS when its release began.
	Name         string `json:"name,omitempty"`
	Holder       string `json:"holder,omitempty"`
	Token        int64  `json:"token,omitempty"`
	SentUS       int64  `json:"sent_us,omitempty"`
	FromUS       int64  `json:"from_us,omitempty"`
	UntilUS      int64  `json:"until_us,omitempty"`
	LastExtendUS int64  `json:"last_extend_us,omitempty"`
	TTLMS        int64  `json:"ttl_ms,omitempty"`
	End          string `json:"end,omitempty"`
	// Of an error.
	Operation string `json:"operation,omitempty"`
	Message   string `json:"message,omitempty"`
	AtUS      int64  `json:"at_us,omitempty"`
	// Of the summary.
	Attempts  int `json:"attempts,omitempty"`
	Held      int `json:"held,omitempty"`
	Contended int `json:"contended,omitempty"`
	Errors    int `json:"errors,omitempty"`
}
