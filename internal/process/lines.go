package process

import (
	"bytes"
	"io"
)

// Lines is where a process may write that tells something in lines: take gets each that is whole, without its end, and must not keep it. What a process that was killed had
// begun and not ended is no line. One goroutine writes at a time, as that of [Spec.Stdout] does.
func Lines(take func(line []byte)) io.Writer { return &lines{take: take} }

type lines struct {
	take func(line []byte)
	rest []byte
}

// Write implements io.Writer.
func (l *lines) Write(chunk []byte) (int, error) {
	l.rest = append(l.rest, chunk...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte{'\n'})
		if !found {
			l.rest = bytes.Clone(l.rest)
			return len(chunk), nil
		}
		l.take(line)
		l.rest = rest
	}
}
