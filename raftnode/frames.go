package raftnode

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/peer"
)

// A frame is: class | jobs | for each: commands | command…
// An answer is: jobs | for each: fate | replies | reply…
// Counts are unsigned varints. An empty answer means that the frame was not understood, and that nothing of it was done.

// errBadFrame is a frame or answer that does not decode.
var errBadFrame = errors.New("the bytes are not a forwarding frame")

// newFrame begins a frame.
func newFrame(class frameClass, jobs int) []byte {
	return binary.AppendUvarint([]byte{byte(class)}, uint64(jobs))
}

// appendJob adds the commands of one job.
func appendJob(frame []byte, commands []command.Command) []byte {
	frame = binary.AppendUvarint(frame, uint64(len(commands)))
	for _, c := range commands {
		frame = command.AppendCommand(frame, c)
	}
	return frame
}

// framedJob is one job of a frame: commands, and each as the frame encodes it, which is as it will lie in the log.
type framedJob struct {
	commands []command.Command
	encoded  [][]byte
}

// decodeFrame reads a frame. Every job has at least one command. The jobs share memory with the frame.
func decodeFrame(frame []byte) (class frameClass, jobs []framedJob, err error) {
	if len(frame) == 0 {
		return 0, nil, errBadFrame
	}
	class, frame = frameClass(frame[0]), frame[1:]
	count, frame, err := takeCount(frame)
	jobs = make([]framedJob, 0, min(count, maxFrameOps))
	for ; err == nil && count > 0; count-- {
		var size int
		if size, frame, err = takeCount(frame); err != nil || size == 0 {
			return 0, nil, errBadFrame
		}
		job := framedJob{make([]command.Command, 0, min(size, maxFrameOps)), make([][]byte, 0, min(size, maxFrameOps))}
		for ; size > 0; size-- {
			one, rest, err := command.DecodeCommand(frame)
			if err != nil {
				return 0, nil, err
			}
			if _, malformed := one.Op.(command.Malformed); malformed {
				return 0, nil, errBadFrame
			}
			job.commands = append(job.commands, one)
			job.encoded = append(job.encoded, frame[:len(frame)-len(rest):len(frame)-len(rest)])
			frame = rest
		}
		jobs = append(jobs, job)
	}
	if err != nil || len(frame) != 0 {
		return 0, nil, errBadFrame
	}
	return class, jobs, nil
}

// takeCount reads a count that cannot be larger than the bytes that follow it.
func takeCount(data []byte) (count int, rest []byte, err error) {
	value, width := binary.Uvarint(data)
	if width <= 0 || value > uint64(len(data)-width) {
		return 0, nil, errBadFrame
	}
	return int(value), data[width:], nil
}

// encodeAnswer writes the results of a frame's jobs. Replies that would make it too large for a frame are left out, and their jobs say so.
func encodeAnswer(results []result) []byte {
	answer := binary.AppendUvarint(nil, uint64(len(results)))
	for _, r := range results {
		mark := len(answer)
		answer = append(answer, byte(r.fate))
		answer = binary.AppendUvarint(answer, uint64(len(r.replies)))
		for _, reply := range r.replies {
			answer = command.AppendReply(answer, reply)
		}
		if len(answer) > peer.MaxFrameSize-2*len(results) {
			answer = append(answer[:mark], byte(fateTooLarge), 0)
		}
	}
	return answer
}

// decodeAnswer reads the results of so many jobs. What it does not understand counts as unknown, except an empty answer.
func decodeAnswer(answer []byte, jobs int) []result {
	results := make([]result, jobs)
	if len(answer) == 0 {
		fill(results, result{fate: fateNotProposed})
		return results
	}
	fill(results, result{fate: fateUnknown})
	count, answer, err := takeCount(answer)
	if err != nil || count != jobs {
		return results
	}
	for i := range results {
		if len(answer) == 0 {
			return results
		}
		r := result{fate: fate(answer[0])}
		var replies int
		if replies, answer, err = takeCount(answer[1:]); err != nil {
			return results
		}
		for ; replies > 0; replies-- {
			var reply command.Reply
			if reply, answer, err = command.DecodeReply(answer); err != nil {
				return results
			}
			r.replies = append(r.replies, reply)
		}
		results[i] = r
	}
	return results
}

// gathering collects the results of one frame's jobs, which come back one by one, and answers when the last is here.
type gathering struct {
	mu      sync.Mutex
	results []result
	missing int
	respond func(answer []byte)
}

func newGathering(jobs int, respond func([]byte)) *gathering {
	return &gathering{results: make([]result, jobs), missing: jobs, respond: respond}
}

// put takes the result of one job.
func (g *gathering) put(i int, r result) {
	g.mu.Lock()
	g.results[i] = r
	g.missing--
	complete := g.missing == 0
	g.mu.Unlock()
	if complete {
		g.respond(encodeAnswer(g.results))
	}
}

// serveFrame runs a frame of another node on this node's reign, and answers through respond. Without a reign nothing of it is done.
func serveFrame(reign *reign, frame []byte, respond func(answer []byte)) {
	class, jobs, err := decodeFrame(frame)
	if err != nil || len(jobs) == 0 {
		respond(nil)
		return
	}
	results := newGathering(len(jobs), respond)
	if reign == nil {
		for i := range jobs {
			results.put(i, result{fate: fateNotProposed})
		}
		return
	}
	switch class {
	case classReads:
		requests := make([]readRequest, len(jobs))
		for i, job := range jobs {
			requests[i] = readRequest{ops: opsOf(job.commands), done: func(r result) { results.put(i, r) }}
		}
		reign.reads.submit(requests)
	case classCommands, classKeepalives:
		parcels := make([]*parcel, len(jobs))
		for i, job := range jobs {
			parcels[i] = newEncodedParcel(job.commands, job.encoded, class == classKeepalives, func(r result) { results.put(i, r) })
		}
		reign.proposer.submit(parcels)
	default:
		respond(nil)
	}
}

func opsOf(commands []command.Command) []command.Op {
	ops := make([]command.Op, len(commands))
	for i, c := range commands {
		ops[i] = c.Op
	}
	return ops
}
