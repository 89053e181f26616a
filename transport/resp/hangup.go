package resp

import (
	"errors"
	"os"
	"time"
)

// slowCommand is how long a command may run before the door begins to look whether its client is still there.
const slowCommand = 250 * time.Millisecond

// hangupWatch reads ahead while a command runs, so that the end of the connection is noticed: then the connection's context is cancelled. What it
// reads stays in the buffer for later.
type hangupWatch struct {
	c      *connection
	timer  *time.Timer
	ended  chan struct{} // a watch that began has ended
	hungUp bool          // set by the watch before it ends
	took   bool          // likewise: it has read bytes
}

func (w *hangupWatch) init(c *connection) {
	w.c = c
	w.ended = make(chan struct{}, 1)
}

// start begins to watch after a delay. stop must follow.
func (w *hangupWatch) start(delay time.Duration) {
	if w.timer == nil {
		w.timer = time.AfterFunc(delay, w.run)
		return
	}
	w.timer.Reset(delay)
}

// stop ends the watch and waits for its end, so that the reader is free again. It reports whether the client has hung up.
func (w *hangupWatch) stop() bool {
	if !w.timer.Stop() {
		w.c.wake()
		<-w.ended
	}
	if w.hungUp {
		w.c.dropped = true
	}
	return w.hungUp
}

// tookBytes reports whether watches have read bytes since it was last asked: then there may be whole requests that nobody has looked for.
func (w *hangupWatch) tookBytes() bool {
	took := w.took
	w.took = false
	return took
}

func (w *hangupWatch) run() {
	for {
		err := w.c.requests.Extend()
		if err == nil {
			w.took = true
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			w.hungUp = true
			w.c.cancel()
		}
		w.ended <- struct{}{}
		return
	}
}
