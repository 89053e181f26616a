package pools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// child is a process of the campaign: a worker, the store or the router.
type child struct {
	order   order
	process *process.Process
	input   *os.File
}

// say writes a word to the child.
func (c *child) say(word string) error {
	_, err := c.input.WriteString(word + "\n")
	return err
}

// kill ends it with SIGKILL.
func (c *child) kill() {
	c.process.Kill()
	_ = c.input.Close() // it is dead
}

// end ends it in good order, and waits.
func (c *child) end(ctx context.Context) error {
	_ = c.input.Close() // it reads the end of its input
	return c.wait(ctx)
}

func (c *child) wait(ctx context.Context) error {
	select {
	case <-c.process.Exited():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s does not end: %w", c.order.Process, context.Cause(ctx))
	}
}

func (c *child) signal(signal syscall.Signal) error {
	return syscall.Kill(c.process.PID(), signal)
}

// pause is a time in which a process was stopped.
type pause struct{ from, to int64 }

// fleet starts children and collects what they say.
type fleet struct {
	program string
	group   *process.Group

	mu      sync.Mutex
	started int
	events  []Event
	news    chan struct{} // closed and replaced with each event
	paused  map[string][]pause
	broken  error // what children wrote that was no event
}

func newFleet(program string, group *process.Group) *fleet {
	return &fleet{program: program, group: group, news: make(chan struct{}), paused: map[string][]pause{}}
}

// ChildWord is the argument with which this program is started as a child of a campaign.
const ChildWord = "pools-child"

// start starts a child. Its name is made unique.
func (f *fleet) start(name string, o order) (*child, error) {
	f.mu.Lock()
	f.started++
	o.Process = fmt.Sprintf("%s-%d", name, f.started)
	f.mu.Unlock()
	line, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	c := &child{order: o, input: ours}
	c.process, err = f.group.Start(process.Spec{Name: o.Process, Path: f.program, Args: []string{ChildWord}, Stdin: theirs, Stdout: process.Lines(f.take)})
	if err == nil {
		_, err = ours.Write(append(line, '\n'))
	}
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("start %s: %w", o.Process, err)
	}
	return c, nil
}

// take takes a line of a child.
func (f *fleet) take(line []byte) {
	var event Event
	err := json.Unmarshal(line, &event)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.broken = errors.Join(f.broken, fmt.Errorf("a child wrote something else than an event: %w", err))
		return
	}
	f.events = append(f.events, event)
	close(f.news)
	f.news = make(chan struct{})
}

// unreadable tells what children wrote that could not be read: what is missing may have been a violation.
func (f *fleet) unreadable() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

// await waits for an event of a child.
func (f *fleet) await(ctx context.Context, c *child, kinds ...string) (Event, error) {
	for seen := 0; ; {
		f.mu.Lock()
		news, events := f.news, f.events[seen:]
		seen = len(f.events)
		f.mu.Unlock()
		for _, event := range events {
			for _, kind := range kinds {
				if event.Process == c.order.Process && event.Kind == kind {
					return event, nil
				}
			}
		}
		select {
		case <-news:
		case <-c.process.Exited():
			select {
			case <-news: // its last words
				continue
			case <-time.After(time.Second):
			}
			return Event{}, fmt.Errorf("%s ended before it said %v; the end of its log:\n%s", c.order.Process, kinds, c.process.LogTail(12))
		case <-ctx.Done():
			return Event{}, fmt.Errorf("%s did not say %v: %w", c.order.Process, kinds, context.Cause(ctx))
		}
	}
}

// said are all events so far.
func (f *fleet) said() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Event(nil), f.events...)
}

// stop stops a child with SIGSTOP for a time.
func (f *fleet) stop(ctx context.Context, c *child, span time.Duration) error {
	from := history.Now()
	if err := c.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	defer func() {
		_ = c.signal(syscall.SIGCONT) // it may be gone
		f.mu.Lock()
		defer f.mu.Unlock()
		// It has to run again before it can notice.
		f.paused[c.order.Process] = append(f.paused[c.order.Process], pause{from, history.Now() + int64(wakePatience)})
	}()
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wakePatience is how long a process that was stopped may take to notice that its time is over.
const wakePatience = time.Second
