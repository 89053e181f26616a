//go:build unix

package underlock

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// watch is the time from the command's start to the end of its family.
type watch struct {
	*Keeper
	lock    Lock
	command int
	changes <-chan change // nil once there is no child left
	family  family

	exited bool // the command; others of the family may run on
	status syscall.WaitStatus
	ending *ending
	gone   bool
	warned bool
}

// ending is an end that the command did not choose.
type ending struct {
	because error
	forceAt time.Duration // on the boot clock
}

// The reasons to end the family, besides the loss of the lock.
var (
	errLeftBehind = errors.New("the command has ended and left processes behind")
	errAbandoned  = errors.New("the process that was to tell the command's end was killed")
)

// busyLook is how often to look while the family's end is awaited, since not everything that ends is a child.
const busyLook = 20 * time.Millisecond

// tend sees the command to its end.
func (w *watch) tend() (code int, err error) {
	lost := w.lock.Lost().Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(w.look())
		if w.gone {
			return w.outcome()
		}
		select {
		case <-timer.C:
		case <-lost:
			lost = nil
		case one, open := <-w.changes:
			w.note(one, open)
		case one, open := <-w.words:
			w.obey(one, open)
		}
	}
}

// look does what the moment asks for, and says when to look again.
func (w *watch) look() time.Duration {
	now, left := BootClock(), w.lock.Left()
	w.publish(now, left)
	urgency, next := w.urgency(left)
	if reason := w.reasonToEnd(urgency); reason != nil && w.ending == nil {
		w.end(reason, now, urgency)
	}
	w.gone = w.exited && w.family.gone()
	if w.ending != nil {
		if urgency == force || now >= w.ending.forceAt {
			w.send(syscall.SIGKILL) // again with each look: something may have been born meanwhile
		}
		return min(next, busyLook)
	}
	return next
}

// publish tells the front when to kill by itself. A loss that comes from one moment to the next leaves the keeper, which is just acting on it, a little time.
func (w *watch) publish(now, left time.Duration) {
	schedule := w.job.Schedule
	if schedule.OnLost == Ignore {
		w.board.write(never)
		return
	}
	w.board.write(max(schedule.strike(now+left), now+schedule.Settle/2))
}

// urgency is what the lock's state asks for. A loss that is known is not waited out, even if nobody else can have the lock yet.
func (w *watch) urgency(left time.Duration) (urgency, time.Duration) {
	urgency, next := w.job.Schedule.judge(left)
	lost := w.lock.Lost().Err() != nil
	switch {
	case !lost || urgency == force:
		return urgency, next
	case w.job.Schedule.OnLost == Ignore:
		w.warn()
		return calm, next
	case w.job.Schedule.OnLost == Kill:
		return force, next
	}
	return ask, next
}

// warn says once that the command goes on without the lock.
func (w *watch) warn() {
	if !w.warned {
		w.warned = true
		fmt.Fprintf(w.stderr, "coordd: the lock was lost (%v); the command goes on without it, as --on-lost=ignore asks: only the fencing token protects what it does\n", reasonOf(w.lock))
	}
}

// reasonToEnd is why the family has to end now, nil when it does not.
func (w *watch) reasonToEnd(urgency urgency) error {
	switch {
	case urgency != calm:
		return &LostError{Reason: reasonOf(w.lock), Ended: true}
	case w.words == nil:
		return errAbandoned
	case w.exited && !w.family.gone():
		return errLeftBehind
	}
	return nil
}

// end asks the family to end, if there is time for that. What is stopped goes on, so that it can.
func (w *watch) end(because error, now time.Duration, urgency urgency) {
	w.ending = &ending{because: because, forceAt: now}
	if urgency == force {
		return
	}
	w.ending.forceAt += w.job.Schedule.Grace
	fmt.Fprintf(w.stderr, "coordd: %v; ending what runs\n", describe(because))
	w.send(syscall.SIGTERM)
	w.send(syscall.SIGCONT)
}

// describe is a reason as it can be told before the end is known.
func describe(because error) error {
	if lost, ok := errors.AsType[*LostError](because); ok {
		return fmt.Errorf("the lock is about to be lost: %w", lost.Reason)
	}
	return because
}

func (w *watch) send(signal syscall.Signal) {
	if err := w.family.signal(signal); err != nil {
		fmt.Fprintf(w.stderr, "coordd: %v could not be sent to all that the command started: %v\n", signal, err)
	}
}

// note takes in a change of a child.
func (w *watch) note(one change, open bool) {
	switch {
	case !open:
		w.changes = nil
	case one.pid != w.command:
	case one.status.Stopped() && w.ending == nil:
		say(w.link, toldStopped, int(one.status.StopSignal()))
	case one.status.Exited() || one.status.Signaled():
		w.exited, w.status = true, one.status
	}
}

// obey passes a signal on.
func (w *watch) obey(one word, open bool) {
	signal := syscall.Signal(one.number)
	switch {
	case !open:
		w.words = nil
	case one.verb != passSignal:
	case forGroup(signal):
		w.send(signal)
	case !w.exited:
		_ = syscall.Kill(w.command, signal) // it is not reaped before its end is noted
	}
}

// outcome is what the command's end means.
func (w *watch) outcome() (code int, err error) {
	if w.ending != nil {
		if lost, ok := errors.AsType[*LostError](w.ending.because); ok {
			lost.Spare = w.lock.Left()
			return 0, lost
		}
	}
	if w.status.Signaled() {
		say(w.link, toldSignaled, int(w.status.Signal()))
	}
	return exitStatus(w.status), nil
}
