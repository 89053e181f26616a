//go:build unix

package underlock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Front is the process that the shell knows: it starts the keeper, passes signals on, takes part in the shell's job control, and kills what the command left
// when the keeper no longer can.
type Front struct {
	schedule Schedule
	stderr   io.Writer

	keeper   int // its process
	changes  <-chan change
	link     *os.File
	words    <-chan word
	board    *board
	family   family
	terminal *terminal

	borrowed    bool // the command had the terminal's foreground, and is to have it again when this job does
	interrupted bool // SIGINT was passed on
	endedBy     syscall.Signal
	ended       bool // the keeper
	status      syscall.WaitStatus
	orphaned    *syscall.WaitStatus // the command's end, when the keeper was not there to tell it
}

// ErrKeeperGone is a keeper that was killed. The lock stays taken until its time to live has passed.
var ErrKeeperGone = errors.New("the process that kept the lock was killed; the command was ended")

// ErrStruck is a keeper that did not end the command in time, so that the front killed everything.
var ErrStruck = errors.New("the process that kept the lock did not answer for it in time; the command was killed")

// RunFront starts this program again as the keeper, with the arguments that keeper makes of what AttachKeeper wants, and returns the exit code when all is over. An
// error means that the keeper could not do its part; otherwise it has told what there was to tell.
//
// A command that died of Ctrl-C is a death of this process too, so that a script around it ends as it would without coordd: RunFront does not return then.
func RunFront(schedule Schedule, stderr io.Writer, keeper func(KeeperArguments) []string) (code int, err error) {
	f := &Front{schedule: schedule, stderr: stderr, terminal: openTerminal()}
	signals := make(chan os.Signal, 32)
	signal.Notify(signals, append(heard(), syscall.SIGCONT)...)
	if err := f.startKeeper(keeper); err != nil {
		return 0, fmt.Errorf("the process that is to keep the lock cannot be started: %w", err)
	}
	defer f.board.close()
	err = f.accompany(signals)
	if cleared := f.clear(); err == nil {
		err = cleared
	}
	if err == nil && f.endedBy == syscall.SIGINT && (f.interrupted || f.terminal.takeBack()) {
		f.dieInterrupted()
	}
	f.terminal.takeBack()
	if f.orphaned != nil {
		return exitStatus(*f.orphaned), err
	}
	return exitStatus(f.status), err
}

func (f *Front) startKeeper(arguments func(KeeperArguments) []string) error {
	if err := adoptOrphans(); err != nil {
		return err
	}
	here, there, err := newLink()
	if err != nil {
		return err
	}
	defer there.Close()
	memory, err := newBoardFile()
	if err != nil {
		return err
	}
	defer memory.Close()
	if f.board, err = openBoard(memory); err != nil {
		return err
	}
	f.board.write(never)
	path, err := ownProgram()
	if err != nil {
		return err
	}
	// Both keep their numbers, so that descriptors that a caller meant for the command stay where they are.
	inherited := KeeperArguments{link: int(there.Fd()), board: int(memory.Fd())}
	for _, descriptor := range []int{inherited.link, inherited.board} {
		if err := keepOnExec(descriptor); err != nil {
			return err
		}
	}
	f.keeper, f.changes, err = start(program{
		path: path, arguments: arguments(inherited), environment: os.Environ(), attributes: commandAttributes(false),
	})
	f.link, f.words, f.family = here, listen(here), family{root: os.Getpid(), keeper: f.keeper}
	return err
}

// accompany goes along with the keeper until it ends.
func (f *Front) accompany(signals <-chan os.Signal) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !f.ended {
		timer.Reset(f.untilStrike())
		select {
		case one := <-signals:
			f.hear(one.(syscall.Signal))
		case one, open := <-f.words:
			f.learn(one, open)
		case one := <-f.changes:
			f.note(one)
		case <-timer.C:
			if BootClock() >= f.board.read() {
				return f.strike()
			}
		}
	}
	for f.words != nil { // what the keeper said last
		one, open := <-f.words
		f.learn(one, open)
	}
	return nil
}

func (f *Front) untilStrike() time.Duration {
	return max(0, min(f.board.read()-BootClock(), maxBlink))
}

// hear passes a signal on.
func (f *Front) hear(one syscall.Signal) {
	if one == syscall.SIGCONT {
		f.resume()
		return
	}
	f.interrupted = f.interrupted || one == syscall.SIGINT
	say(f.link, passSignal, int(one))
}

// learn takes in what the keeper says.
func (f *Front) learn(one word, open bool) {
	switch {
	case !open:
		f.words = nil // the end of its process is told by changes
	case one.verb == toldGroup:
		f.family.group = one.number
	case one.verb == toldStopped:
		f.stop(syscall.Signal(one.number))
	case one.verb == toldSignaled:
		f.endedBy = syscall.Signal(one.number)
	}
}

// note takes in the end of the keeper, or of an orphan.
func (f *Front) note(one change) {
	over := one.status.Exited() || one.status.Signaled()
	switch {
	case !over:
	case one.pid == f.keeper:
		f.ended, f.status = true, one.status
	case one.pid == f.family.group:
		f.orphaned = &one.status
	}
}

// stop follows the command into a stop: the shell is to see this job stopped, not the command behind it. A command that stopped because it wants the terminal
// gets it when it is this job's turn. One that was stopped by SIGSTOP stays stopped alone.
func (f *Front) stop(by syscall.Signal) {
	wantsTerminal := by == syscall.SIGTTIN || by == syscall.SIGTTOU
	if by == syscall.SIGSTOP {
		return
	}
	if wantsTerminal {
		f.borrowed = true
		if f.terminal.ours() && f.family.group != 0 && f.terminal.lend(f.family.group) {
			say(f.link, passSignal, int(syscall.SIGCONT))
			return
		}
	}
	f.terminal.takeBack()
	stopOwnGroup()
	f.resume()
}

// stopOwnGroup stops this process and those that the shell started along with it, and returns when the shell lets them go on - or soon where nobody could: the
// kernel lets this signal stop no group that has no shell. It is SIGTTIN whatever stopped the command, because package os/signal does not give back the default of a
// signal that it has caught once.
func stopOwnGroup() {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	_ = syscall.Kill(0, syscall.SIGTTIN)
	select {
	case <-goesOn:
	case <-time.After(maxBlink): // the stop takes effect within less
	}
}

// resume lets the command go on, with the terminal if it is this job's again.
func (f *Front) resume() {
	if f.borrowed && f.family.group != 0 && f.terminal.ours() {
		f.terminal.lend(f.family.group)
	}
	say(f.link, passSignal, int(syscall.SIGCONT))
}

// strike kills everything, the keeper last.
func (f *Front) strike() error {
	f.finish(0)
	for !f.ended {
		_ = syscall.Kill(f.keeper, syscall.SIGKILL)
		f.note(<-f.changes)
	}
	return ErrStruck
}

// clear ends what is left when the keeper is gone. After a keeper that did its part there is nothing.
func (f *Front) clear() error {
	if f.status.Exited() && f.family.gone() {
		return nil
	}
	if f.status.Signaled() && f.schedule.OnLost == Ignore {
		f.outlive()
	}
	grace := f.schedule.Grace
	if strike := f.board.read(); strike != never { // nobody renews any more
		grace = min(grace, strike-f.schedule.Settle/2-BootClock())
	}
	f.finish(grace)
	if f.status.Signaled() {
		return ErrKeeperGone
	}
	return nil
}

// outlive waits for a command that may go on without the lock.
func (f *Front) outlive() {
	fmt.Fprintf(f.stderr, "coordd: the process that kept the lock was killed; the command goes on without it, as --on-lost=ignore asks\n")
	for f.orphaned == nil && !f.family.gone() {
		select {
		case one, open := <-f.changes:
			if !open {
				return
			}
			f.note(one)
		case <-time.After(maxBlink):
		}
	}
}

// finish asks the family to end, and kills it after the grace, until it is gone.
func (f *Front) finish(grace time.Duration) {
	if grace > 0 {
		_ = f.family.signal(syscall.SIGTERM)
		_ = f.family.signal(syscall.SIGCONT)
	}
	for force := BootClock() + grace; !f.family.gone(); time.Sleep(busyLook) {
		if BootClock() >= force {
			_ = f.family.signal(syscall.SIGKILL) // what it did not reach shows in the next look
		}
		f.reap()
	}
}

// reap takes in what ended, without waiting.
func (f *Front) reap() {
	for {
		select {
		case one, open := <-f.changes:
			if f.note(one); !open {
				return
			}
		default:
			return
		}
	}
}

// dieInterrupted ends this process as Ctrl-C ends one.
func (f *Front) dieInterrupted() {
	signal.Reset(syscall.SIGINT)
	target := os.Getpid()
	if !f.interrupted {
		target = 0 // the terminal told only the command; the others of this job are to know too
	}
	_ = syscall.Kill(target, syscall.SIGINT)
	time.Sleep(time.Second) // it has come long before
}
