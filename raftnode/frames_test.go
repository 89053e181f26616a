package raftnode

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/peer"
)

func TestFramesComeBackAsTheyWent(t *testing.T) {
	request := command.Request{Session: command.SessionID{Index: 5, Offset: 1}, Number: 7, LowWater: 3}
	jobs := [][]command.Command{{{Request: request, Lane: 4, Op: setOp("a")}, {Request: request, Lane: 4, Op: deleteOp("a")}}, {{Op: get("b")}}}
	frame := newFrame(classCommands, len(jobs))
	for _, job := range jobs {
		frame = appendJob(frame, job)
	}
	class, decoded, err := decodeFrame(frame)
	if err != nil || class != classCommands || len(decoded) != len(jobs) {
		t.Fatalf("class %d, %v, %+v", class, err, decoded)
	}
	for i, job := range jobs {
		for j, c := range job {
			if !reflect.DeepEqual(decoded[i].commands[j], c) || !bytes.Equal(decoded[i].encoded[j], command.AppendCommand(nil, c)) {
				t.Errorf("job %d, command %d came back as %+v, encoded as %x", i, j, decoded[i].commands[j], decoded[i].encoded[j])
			}
		}
	}
	results := []result{{fate: fateDone, replies: []command.Reply{command.OK(), command.Integer(4)}}, {fate: fateUnknown, replies: []command.Reply{command.Nil()}}}
	if got := decodeAnswer(encodeAnswer(results), 2); !reflect.DeepEqual(got, results) {
		t.Fatalf("results came back as %+v", got)
	}
}

// An answer that cannot be read must never count as "not proposed": the commands may have run.
func TestAnUnreadableAnswerIsUnknown(t *testing.T) {
	whole := encodeAnswer([]result{{fate: fateDone, replies: []command.Reply{command.OK()}}, {fate: fateDone, replies: []command.Reply{command.OK()}}})
	for cut := 1; cut < len(whole); cut++ {
		if got := decodeAnswer(whole[:cut], 2); got[1].fate != fateUnknown {
			t.Fatalf("cut at %d the second job's fate is %d", cut, got[1].fate)
		}
	}
	if got := decodeAnswer(nil, 1); got[0].fate != fateNotProposed {
		t.Fatalf("an empty answer says fate %d", got[0].fate)
	}
}

func TestAnAnswerNeverExceedsAFrame(t *testing.T) {
	large := command.Bulk(make([]byte, command.MaxValueBytes))
	var results []result
	for range 200 {
		results = append(results, result{fate: fateDone, replies: []command.Reply{large}})
	}
	answer := encodeAnswer(results)
	if len(answer) > peer.MaxFrameSize {
		t.Fatalf("an answer has %d bytes", len(answer))
	}
	got := decodeAnswer(answer, 200)
	if got[0].fate != fateDone || got[199].fate != fateTooLarge {
		t.Fatalf("the first job's fate is %d, the last one's %d", got[0].fate, got[199].fate)
	}
}

func FuzzDecodeFrame(f *testing.F) {
	f.Add(appendJob(newFrame(classReads, 1), []command.Command{{Op: get("a")}}))
	f.Add([]byte{1, 1, 1})
	f.Fuzz(func(t *testing.T, frame []byte) {
		class, jobs, err := decodeFrame(frame)
		if err != nil {
			return
		}
		again := newFrame(class, len(jobs))
		for _, job := range jobs {
			again = appendJob(again, job.commands)
			for i, c := range job.commands {
				if !bytes.Equal(job.encoded[i], command.AppendCommand(nil, c)) {
					t.Fatalf("%+v was accepted as %x, which is not how it lies in the log", c, job.encoded[i])
				}
			}
		}
		if _, _, err := decodeFrame(again); err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
	})
}

func FuzzDecodeAnswer(f *testing.F) {
	f.Add(encodeAnswer([]result{{fate: fateDone, replies: []command.Reply{command.OK()}}}), 1)
	f.Fuzz(func(t *testing.T, answer []byte, jobs int) {
		if jobs < 0 || jobs > 1000 {
			return
		}
		if got := decodeAnswer(answer, jobs); len(got) != jobs {
			t.Fatalf("%d results for %d jobs", len(got), jobs)
		}
	})
}
