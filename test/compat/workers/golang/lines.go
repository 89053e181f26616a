package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// line is one JSON line of standard output. Times are Unix microseconds of
// this machine's clock.
type line struct {
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

var (
	outputMu sync.Mutex
	output   = json.NewEncoder(os.Stdout)
)

func say(l line) {
	outputMu.Lock()
	defer outputMu.Unlock()
	if err := output.Encode(l); err != nil {
		fmt.Fprintln(os.Stderr, "write a line:", err)
		os.Exit(1)
	}
}

func nowUS() int64 { return time.Now().UnixMicro() }
