package pools

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// order is what a child process is told on its first line of standard input.
type order struct {
	Role       string        `json:"role"` // store, worker or router
	Process    string        `json:"process"`
	File       string        `json:"file,omitempty"`
	Endpoints  []string      `json:"endpoints,omitempty"`
	Store      string        `json:"store,omitempty"`
	Worker     string        `json:"worker,omitempty"`
	Number     int           `json:"number,omitempty"`
	Partitions int           `json:"partitions,omitempty"`
	TTL        time.Duration `json:"ttl_ns,omitempty"`
	Early      time.Duration `json:"early_ns,omitempty"`
	Gossip     string        `json:"gossip,omitempty"` // where a worker gossips, and with whom
	Gossipers  []string      `json:"gossipers,omitempty"`
	Patience   time.Duration `json:"patience_ns,omitempty"` // of a join
	Lookups    int           `json:"lookups,omitempty"`
	Requests   int           `json:"requests,omitempty"`
	Seed       uint64        `json:"seed,omitempty"`
}

// Serve is a child process of a campaign, as its first line of input says. Further lines are words: "leave" and "restart" for workers; the end of input ends it.
func Serve() error {
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no order came: %w", err)
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return fmt.Errorf("the order is no JSON: %w", err)
	}
	report := newReporter(o.Process)
	switch o.Role {
	case "store":
		return serveStore(o, report)
	case "worker":
		return serveWorker(o, report, words(input))
	case "router":
		return serveRouter(o, report, words(input))
	}
	return fmt.Errorf("there is no role %q", o.Role)
}

// words hands on the lines of input; it is closed with the input.
func words(input *bufio.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(input)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	return lines
}
