package clients

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/bent"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// Fleet is the client processes of a run. Its methods may be called from many goroutines.
type Fleet struct {
	// Program is what is started, with the argument "client"; this program.
	Program string
	// Arguments stand before; for test programs.
	Arguments []string
	Group     *process.Group
	// Order is the assignment of each process, without its name and endpoints.
	Order Assignment
	// Endpoints gives a place its endpoints. A process that takes the place of another gets the same.
	Endpoints func(place int) []string
	// Inside starts the process of a place where it belongs; nil starts it like any other.
	Inside  func(place int, start func() error) error
	Writer  *history.Writer
	Tracker *Tracker

	mu      sync.Mutex
	members []*Member // by place
	started int
	broken  []error
}

// Member is one client process.
type Member struct {
	Name    string
	Place   int
	child   *process.Process
	input   *os.File
	stopped bool
	bent    bool // its clock was given orders
}

// Start starts a process for each place.
func (f *Fleet) Start(places int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for place := range places {
		member, err := f.start(place)
		if err != nil {
			return err
		}
		f.members = append(f.members, member)
	}
	return nil
}

// clockApart is how far the clocks of two processes are apart.
const clockApart = 1000 * time.Hour

// start is called with mu held.
func (f *Fleet) start(place int) (*Member, error) {
	f.started++
	member := &Member{Name: "c" + strconv.Itoa(f.started), Place: place}
	order := f.Order
	order.Process, order.Endpoints = member.Name, f.Endpoints(place)
	order.ClockBegin = time.Duration(f.started) * clockApart // nobody may compare clocks of two processes, so no two begin together
	line, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	member.input = ours
	start := func() (err error) {
		member.child, err = f.Group.Start(process.Spec{
			Name: "client-" + member.Name, Path: f.Program, Args: append(append([]string(nil), f.Arguments...), "client"), Stdin: theirs, Stdout: process.Lines(func(line []byte) { f.collect(member.Name, line) }),
		})
		return err
	}
	if f.Inside != nil {
		err = f.Inside(place, start)
	} else {
		err = start()
	}
	if err == nil {
		_, err = ours.Write(append(line, '\n'))
	}
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("start client process %s: %w", member.Name, err)
	}
	return member, nil
}

// collect takes a line of one process.
func (f *Fleet) collect(name string, line []byte) {
	var event history.Event
	err := json.Unmarshal(line, &event)
	if err == nil {
		err = f.Writer.Write(event)
	}
	if err != nil {
		f.fail(fmt.Errorf("a line of client process %s: %w", name, err))
		return
	}
	f.Tracker.Observe(event)
}

func (f *Fleet) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = append(f.broken, err)
}

// Err tells what went wrong with the collecting of histories; a run with such an error proves nothing.
func (f *Fleet) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.broken...)
}

// Names are the names of the processes that run.
func (f *Fleet) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, member := range f.members {
		names = append(names, member.Name)
	}
	return names
}

var errGone = errors.New("no client process has that name")

func (f *Fleet) signal(name string, signal syscall.Signal, stopped bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, member := range f.members {
		if member.Name == name && member.child.Running() {
			member.stopped = stopped
			return syscall.Kill(member.child.PID(), signal)
		}
	}
	return fmt.Errorf("%s: %w", name, errGone)
}

// Stop stops a process with SIGSTOP.
func (f *Fleet) Stop(name string) error { return f.signal(name, syscall.SIGSTOP, true) }

// Continue lets it go on.
func (f *Fleet) Continue(name string) error { return f.signal(name, syscall.SIGCONT, false) }

// Bend gives an order to the clock of a process. One that is stopped follows it when it goes on.
func (f *Fleet) Bend(name string, orders bent.Orders) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, member := range f.members {
		if member.Name == name && member.child.Running() {
			return member.bend(orders)
		}
	}
	return fmt.Errorf("%s: %w", name, errGone)
}

func (m *Member) bend(orders bent.Orders) error {
	m.bent = orders != bent.Orders{}
	line, err := json.Marshal(orders)
	if err != nil {
		return err
	}
	if _, err := m.input.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the clock of client process %s cannot be given an order: %w", m.Name, err)
	}
	return nil
}

// Kill ends a process with SIGKILL and starts another, under a new name, in its place.
func (f *Fleet) Kill(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for place, member := range f.members {
		if member.Name != name {
			continue
		}
		f.mu.Unlock() // who collects may need it to get the last lines out
		member.child.Kill()
		_ = member.input.Close()
		f.Tracker.gone(name)
		f.mu.Lock()
		var err error
		f.members[place], err = f.start(place)
		return err
	}
	return fmt.Errorf("%s: %w", name, errGone)
}

// Heal lets every stopped process go on, with a clock that goes as it should.
func (f *Fleet) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, member := range f.members {
		if member.bent && member.child.Running() {
			_ = member.bend(bent.Orders{}) // one that ended meanwhile is found when the fleet is finished
		}
		if member.stopped && member.child.Running() {
			member.stopped = false
			_ = syscall.Kill(member.child.PID(), syscall.SIGCONT)
		}
	}
}

// Finish tells all processes to stop and waits until their histories are complete. One that ended before, by itself, is an error.
func (f *Fleet) Finish(patience time.Duration) error {
	f.Heal()
	f.mu.Lock()
	members := f.members
	f.members = nil
	f.mu.Unlock()
	var failures []error
	for _, member := range members {
		if !member.child.Running() {
			failures = append(failures, fmt.Errorf("client process %s ended by itself; its log:\n%s", member.Name, member.child.LogTail(12)))
		}
		_ = member.input.Close()
	}
	deadline := time.After(patience)
	for _, member := range members {
		select {
		case <-member.child.Exited():
		case <-deadline:
			member.child.Kill() // what it did not end counts as info
		}
	}
	return errors.Join(append(failures, f.Err())...)
}
