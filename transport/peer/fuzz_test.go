package peer

import (
	"bufio"
	"bytes"
	"testing"
)

func FuzzHello(f *testing.F) {
	f.Add(encodeHello(hello{purpose: PurposeRaft, meant: "b", from: Identity{ClusterName: "test", ClusterID: "c1", NodeID: "a", Address: "a:1"}}))
	f.Add([]byte{1, 0, 200})
	f.Fuzz(func(t *testing.T, body []byte) {
		h, refusal := decodeHello(body)
		if refusal == nil && !bytes.Equal(encodeHello(h), body) {
			t.Fatalf("%x decodes to %+v, which encodes differently", body, h)
		}
	})
}

func FuzzVerdict(f *testing.F) {
	f.Add(encodeVerdict(verdict{from: Identity{ClusterName: "test", NodeID: "a", Address: "a:1"}}))
	f.Add(encodeVerdict(verdict{refusal: refuse(RefusedRemoved, "gone")}))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := decodeVerdict(body)
		if err == nil && v.refusal != nil && !bytes.Equal(encodeVerdict(v), body) {
			t.Fatalf("%x decodes to %+v, which encodes differently", body, v)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, frame{kind: frameRequest, method: methodForward, id: 7, payload: []byte("x")}))
	f.Add([]byte{0, 0x80, 0, 10, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		got, err := readFrame(bufio.NewReader(bytes.NewReader(stream)))
		if err == nil && !bytes.HasPrefix(stream, appendFrame(nil, got)) {
			t.Fatalf("%x reads as %+v, which encodes differently", stream, got)
		}
	})
}
