package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
)

func TestPushesStandBetweenWholeReplies(t *testing.T) {
	reader, writer := io.Pipe()
	output := NewOutput(writer, 0)
	const replies, pushes = 400, 300
	var group sync.WaitGroup
	group.Go(func() {
		for range replies {
			if err := output.Append(func(to []byte) []byte { return AppendBulk(AppendArrayHeader(to, 1), "reply") }); err != nil {
				t.Error(err)
			}
			if err := output.Flush(); err != nil {
				t.Error(err)
			}
		}
	})
	group.Go(func() {
		for range pushes {
			if err := output.Push(func(to []byte) []byte { return AppendBulk(AppendPushHeader(to, RESP3, 1), "push") }); err != nil {
				t.Error(err)
			}
		}
	})
	in := NewReplies(reader, ReplyLimits{})
	seen := map[Type]int{}
	for range replies + pushes {
		value, err := in.Read()
		if err != nil {
			t.Fatal(err)
		}
		seen[value.Type]++
	}
	group.Wait()
	if err := output.Flush(); err != nil { // who wrote the last push may not have noted yet that it was read
		t.Error(err)
	}
	if seen[Array] != replies || seen[Push] != pushes {
		t.Errorf("read %v", seen)
	}
	if output.Waiting() != 0 {
		t.Errorf("%d bytes still wait", output.Waiting())
	}
}

// blockedSink accepts nothing until it is released.
type blockedSink struct{ released chan struct{} }

func (s blockedSink) Write(p []byte) (int, error) {
	<-s.released
	return len(p), nil
}

func TestOutputOfAClientThatDoesNotReadIsBounded(t *testing.T) {
	sink := blockedSink{make(chan struct{})}
	output := NewOutput(sink, 1000)
	push := func() error {
		return output.Push(func(to []byte) []byte { return AppendBulk(to, strings.Repeat("a", 100)) })
	}
	var err error
	count := 0
	for ; err == nil && count < 100; count++ {
		err = push()
	}
	if !errors.Is(err, ErrOutputFull) || count < 9 || count > 10 {
		t.Errorf("after %d pushes: %v", count, err)
	}
	if err := push(); !errors.Is(err, ErrOutputFull) {
		t.Errorf("a full output took more: %v", err)
	}
	close(sink.released)
	if err := output.Flush(); !errors.Is(err, ErrOutputFull) {
		t.Errorf("flush after that: %v", err)
	}
}

type failingSink struct{}

func (failingSink) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestOutputKeepsItsFirstFailure(t *testing.T) {
	output := NewOutput(failingSink{}, 0)
	if err := output.Append(func(to []byte) []byte { return AppendStatus(to, "OK") }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := output.Flush(); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("flush: %v", err)
		}
	}
	if err := output.Append(func(to []byte) []byte { return to }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("append after the failure: %v", err)
	}
}

func TestFlushWritesOnce(t *testing.T) {
	var sink bytes.Buffer
	output := NewOutput(&sink, 0)
	for range 3 {
		if err := output.Append(func(to []byte) []byte { return AppendInteger(to, 1) }); err != nil {
			t.Fatal(err)
		}
	}
	if sink.Len() != 0 {
		t.Error("written before the flush")
	}
	if err := output.Flush(); err != nil || sink.String() != ":1\r\n:1\r\n:1\r\n" {
		t.Errorf("%q, %v", sink.String(), err)
	}
}
