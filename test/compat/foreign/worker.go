package foreign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/compat/lines"
)

// Order is what a worker is asked to do.
type Order struct {
	Address string
	// Names are the locks to use.
	Names []string
	// Fence says whether to read fencing tokens.
	Fence bool
	// Duration makes it a campaign of that length; zero makes it a scenario.
	Duration time.Duration
	// TTL and Loops are those of a campaign.
	TTL   time.Duration
	Loops int
}

// Worker is one running worker and what it has said.
type Worker struct {
	Client  Client
	Process *process.Process
	log     *lineLog
}

// Lines returns what the worker said; call it once the worker has ended.
func (w *Worker) Lines() ([]lines.Line, error) { return w.log.result() }

// Start starts the client's worker.
func (w *Workshop) Start(group *process.Group, client Client, order Order) (*Worker, error) {
	log := &lineLog{}
	spec := process.Spec{Name: "client-" + client.Name, Stdout: log}
	args := []string{"--client", client.Name, "--address", order.Address, "--names", strings.Join(order.Names, ",")}
	if order.Duration > 0 {
		args = append(args, "--mode", "campaign", "--loops", strconv.Itoa(order.Loops))
	}
	switch client.Language {
	case Go:
		spec.Path = w.goWorker()
		spec.Args = append(args, "--fence="+strconv.FormatBool(order.Fence),
			"--duration", order.Duration.String(), "--ttl", order.TTL.String())
	case Python:
		spec.Path, spec.Dir = w.python(), w.pythonFolder()
		spec.Args = append([]string{"worker.py"}, args...)
		spec.Args = append(spec.Args, "--duration-seconds", strconv.FormatFloat(order.Duration.Seconds(), 'f', 3, 64),
			"--ttl-ms", strconv.FormatInt(order.TTL.Milliseconds(), 10))
		spec.Args = appendNoFence(spec.Args, order.Fence)
	case Node:
		spec.Path, spec.Dir = "node", w.nodeFolder()
		spec.Args = append([]string{"worker.mjs"}, args...)
		spec.Args = append(spec.Args, "--duration-ms", strconv.FormatInt(order.Duration.Milliseconds(), 10),
			"--ttl-ms", strconv.FormatInt(order.TTL.Milliseconds(), 10))
		spec.Args = appendNoFence(spec.Args, order.Fence)
	}
	child, err := group.Start(spec)
	if err != nil {
		return nil, err
	}
	return &Worker{Client: client, Process: child, log: log}, nil
}

func appendNoFence(args []string, fence bool) []string {
	if fence {
		return args
	}
	return append(args, "--no-fence")
}

// maxLines bounds what is kept of one worker.
const maxLines = 1_000_000

// lineLog takes a worker's standard output and reads the JSON lines in it.
type lineLog struct {
	mu      sync.Mutex
	partial []byte
	lines   []lines.Line
	err     error
}

func (l *lineLog) Write(chunk []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, chunk...)
	for {
		text, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			return len(chunk), nil
		}
		l.take(text)
		l.partial = rest
	}
}

func (l *lineLog) take(text []byte) {
	var line lines.Line
	if err := json.Unmarshal(text, &line); err != nil {
		l.fail(fmt.Errorf("the worker said %.200q, which is no JSON line: %w", text, err))
		return
	}
	if len(l.lines) >= maxLines {
		l.fail(fmt.Errorf("the worker said more than %d lines", maxLines))
		return
	}
	l.lines = append(l.lines, line)
}

func (l *lineLog) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

func (l *lineLog) result() ([]lines.Line, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines, l.err
}
