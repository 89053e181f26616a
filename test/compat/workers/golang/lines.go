package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/coordd/coordd/test/compat/lines"
)

// line is one line of standard output.
type line = lines.Line

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
