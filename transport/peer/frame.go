package peer

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// MaxFrameSize is the largest payload of one call or answer, in bytes.
const MaxFrameSize = 8 << 20

// A frame is length (4 bytes, of all that follows) | kind | method | call id (8 bytes) | payload.
const (
	frameLengthSize = 4
	frameHeaderSize = 1 + 1 + 8
)

// frameKind says what a frame is. The numbers travel and are never reused.
type frameKind uint8

const (
	frameRequest frameKind = 1
	frameAnswer  frameKind = 2
	// frameError answers a request with the text of an error.
	frameError frameKind = 3
	// frameAlive has no meaning but that the sender lives. It is sent when nothing else was for aliveInterval.
	frameAlive frameKind = 4
)

// method says what a request asks for. The numbers travel and are never reused.
type method uint8

const (
	methodForward    method = 1
	methodTerm       method = 2
	methodLostLeader method = 3
	methodIdentify   method = 4
	methodBootstrap  method = 5
)

// Times of a call connection.
const (
	// aliveInterval is how long a side may stay silent before it sends a frameAlive.
	aliveInterval = time.Second
	// silenceLimit is how long a side waits for any byte before it gives the connection up.
	silenceLimit = 3 * time.Second
	// writeLimit is how long one write may take before the connection is given up.
	writeLimit = 3 * time.Second
)

// frame is one decoded frame.
type frame struct {
	kind    frameKind
	method  method
	id      uint64
	payload []byte
}

// appendFrame encodes a frame behind what buffer holds.
func appendFrame(buffer []byte, f frame) []byte {
	buffer = binary.BigEndian.AppendUint32(buffer, uint32(frameHeaderSize+len(f.payload)))
	buffer = append(buffer, byte(f.kind), byte(f.method))
	buffer = binary.BigEndian.AppendUint64(buffer, f.id)
	return append(buffer, f.payload...)
}

// readFrame reads one frame. Its payload is freshly allocated and belongs to the caller.
func readFrame(reader *bufio.Reader) (frame, error) {
	var header [frameLengthSize + frameHeaderSize]byte
	if _, err := io.ReadFull(reader, header[:]); err != nil {
		return frame{}, err
	}
	length := binary.BigEndian.Uint32(header[:])
	if length < frameHeaderSize || length > frameHeaderSize+MaxFrameSize {
		return frame{}, fmt.Errorf("a frame of %d bytes is outside the limits", length)
	}
	f := frame{
		kind:   frameKind(header[4]),
		method: method(header[5]),
		id:     binary.BigEndian.Uint64(header[6:]),
	}
	payload, err := readPayload(reader, int(length)-frameHeaderSize)
	f.payload = payload
	return f, err
}

// payloadStep bounds how much memory a length alone, without bytes behind it, can claim.
const payloadStep = 256 << 10

// readPayload reads size bytes, growing only as they come.
func readPayload(reader io.Reader, size int) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	payload := make([]byte, min(size, payloadStep))
	if _, err := io.ReadFull(reader, payload); err != nil {
		return nil, err
	}
	for len(payload) < size {
		step := min(size-len(payload), len(payload))
		start := len(payload)
		payload = append(payload, make([]byte, step)...)
		if _, err := io.ReadFull(reader, payload[start:]); err != nil {
			return nil, err
		}
	}
	return payload, nil
}

// impatientReader gives a connection up when no byte came for silenceLimit.
type impatientReader struct{ conn net.Conn }

// Read waits at most silenceLimit.
func (r impatientReader) Read(buffer []byte) (int, error) {
	if err := r.conn.SetReadDeadline(time.Now().Add(silenceLimit)); err != nil {
		return 0, err
	}
	return r.conn.Read(buffer)
}

// newFrameReader buffers the frames of a connection.
func newFrameReader(conn net.Conn) *bufio.Reader {
	return bufio.NewReaderSize(impatientReader{conn}, 64<<10)
}

// writeAll writes encoded frames within writeLimit.
func writeAll(conn net.Conn, encoded []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err := conn.Write(encoded)
	return err
}

// keptBuffer is how large a write buffer may be and still be kept for the next write.
const keptBuffer = 1 << 20

// recycle empties a write buffer, and lets go of one that a large frame made large.
func recycle(buffer []byte) []byte {
	if cap(buffer) > keptBuffer {
		return nil
	}
	return buffer[:0]
}
