package holder

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/coordd/coordd/internal/process"
)

// Command is the subcommand of the program under which a holder runs.
const Command = "holder"

// Holder is a holder process, seen from the driver.
type Holder struct {
	*process.Process
	orders  io.WriteCloser
	answers chan Answer
}

// Start starts a holder with its flags.
func Start(group *process.Group, program, name string, flags ...string) (*Holder, error) {
	ordersOut, ordersIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answersOut, answersIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	child, err := group.Start(process.Spec{Name: name, Path: program, Args: append([]string{Command, "--name", name}, flags...), Stdin: ordersOut, Stdout: answersIn})
	if err = errors.Join(err, ordersOut.Close(), answersIn.Close()); err != nil { // the child has its own
		return nil, err
	}
	h := &Holder{Process: child, orders: ordersIn, answers: make(chan Answer, 16)}
	go h.read(answersOut)
	return h, nil
}

func (h *Holder) read(from io.ReadCloser) {
	defer close(h.answers)
	defer from.Close()
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var answer Answer
		if json.Unmarshal(lines.Bytes(), &answer) != nil {
			return // what a holder prints besides answers goes to its log; the missing answer is an error to whoever waits for it
		}
		h.answers <- answer
	}
}

// Tell gives an order and does not wait.
func (h *Holder) Tell(order Order) error {
	line, err := json.Marshal(order)
	if err != nil {
		return err
	}
	_, err = h.orders.Write(append(line, '\n'))
	return err
}

// Answer waits for the next answer. What went wrong for the holder is in it; an error means that none came.
func (h *Holder) Answer(ctx context.Context) (Answer, error) {
	select {
	case answer, ok := <-h.answers:
		if !ok {
			return Answer{}, fmt.Errorf("%s ended without an answer: %w", h.Name, h.Wait(ctx))
		}
		return answer, nil
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("%s does not answer: %w", h.Name, context.Cause(ctx))
	}
}

// Ask gives an order and waits for its answer.
func (h *Holder) Ask(ctx context.Context, order Order) (Answer, error) {
	if err := h.Tell(order); err != nil {
		return Answer{}, err
	}
	return h.Answer(ctx)
}

// Must is Ask for what has to succeed.
func (h *Holder) Must(ctx context.Context, order Order) (Answer, error) {
	answer, err := h.Ask(ctx, order)
	if err == nil && answer.Error != "" {
		err = fmt.Errorf("%s was told to %s and failed: %w", h.Name, order.Do, errors.New(answer.Error))
	}
	return answer, err
}

// Pause stops the process, as a long garbage collection or a debugger would.
func (h *Holder) Pause(ctx context.Context) error {
	if err := h.Suspend(); err != nil {
		return err
	}
	return h.AwaitStopped(ctx)
}

// AwaitStopped waits until the process is stopped.
func (h *Holder) AwaitStopped(ctx context.Context) error {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.PID()))
		if err != nil {
			return fmt.Errorf("whether %s is stopped can be seen on Linux only: %w", h.Name, err)
		}
		if _, rest, found := strings.Cut(string(status), ") "); found && strings.HasPrefix(rest, "T") {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s does not stop: %w", h.Name, context.Cause(ctx))
		}
	}
}

// Resume lets a stopped process go on.
func (h *Holder) Resume() error { return syscall.Kill(h.PID(), syscall.SIGCONT) }
