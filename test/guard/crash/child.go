package crash

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/coordd/coordd/internal/process"
)

// child is a worker process, seen from the driver.
type child struct {
	*process.Process
	in      *os.File
	between chan struct{} // one element when it waits between its rows
}

func (w *child) tell(word string) error {
	_, err := io.WriteString(w.in, word+"\n")
	return err
}

// start starts one more worker of a lock.
func (c *campaign) start(l *lane) error {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return err
	}
	c.started++
	name := fmt.Sprintf("worker-%d", c.started)
	started, err := c.Group.Start(process.Spec{Name: name, Path: c.Program, Stdin: theirIn, Stdout: theirOut,
		Args: []string{Command, "--name", name, "--lock", l.lock, "--endpoint", c.Endpoint, "--dsn", c.DSN, "--ttl", c.TTL.String()}})
	if err = errors.Join(err, theirIn.Close(), theirOut.Close()); err != nil { // the child has its own
		return err
	}
	w := &child{Process: started, in: in, between: make(chan struct{}, 1)}
	c.mu.Lock()
	l.workers = append(l.workers, w)
	c.mu.Unlock()
	c.reading.Go(func() { c.read(out, w, l) })
	return nil
}

// read counts what a worker says, until it ends.
func (c *campaign) read(out io.ReadCloser, w *child, l *lane) {
	defer out.Close()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var said line
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			c.fault(w, errUnread.Error())
			continue
		}
		c.count(said, w, l)
	}
}

func (c *campaign) count(said line, w *child, l *lane) {
	if said.Event == fault {
		c.fault(w, said.Text)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch said.Event {
	case granted:
		if !l.gone.IsZero() {
			c.takeovers = append(c.takeovers, time.UnixMicro(said.AtUS).Sub(l.gone))
			l.gone = time.Time{}
		}
	case repaired:
		c.report.HalfDone++
		l.repairs++
	case between:
		w.between <- struct{}{}
	case written:
		c.report.Turns++
	case refused:
		c.report.StaleRefused++
	}
}

func (c *campaign) fault(w *child, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.report.Faults) < 20 {
		c.report.Faults = append(c.report.Faults, w.Name+": "+text)
	}
}
