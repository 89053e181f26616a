package command

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Whatever a text holds, the details are one JSON object without line breaks, and the sentence before them can be told apart.
func TestDetailsAreOneObjectAtTheEnd(t *testing.T) {
	for _, owner := range []string{"", "a b", `"{"`, ` {"token":"1"}`, "\r\n\x00\x7f", "\xff\xfe", "ü€😀", strings.Repeat("x", 300)} {
		d := new(Details).Text("owner", owner).Number("queued", -3).Token("token", 1<<63).List("cycle", []Details{*new(Details).Text("owner", owner), {}})
		reply := Errorf(CodeHeld, "held by %q", "somebody").With(d)
		if bytes.ContainsAny(reply.Text, "\r\n") {
			t.Fatalf("a line break in %q", reply.Text)
		}
		sentence := reply.Sentence()
		if string(sentence) != `HELD held by "somebody"` {
			t.Fatalf("sentence %q", sentence)
		}
		var read struct {
			Owner, Token string
			Queued       int
			Cycle        []struct{ Owner string }
		}
		if err := json.Unmarshal(reply.Text[len(sentence)+1:], &read); err != nil {
			t.Fatalf("%q: %v", reply.Text, err)
		}
		if want := strings.ToValidUTF8(owner, "\uFFFD"); read.Owner != want && owner != "\xff\xfe" || read.Token != "9223372036854775808" || read.Queued != -3 || len(read.Cycle) != 2 || read.Cycle[0].Owner != read.Owner {
			t.Fatalf("%q reads as %+v", reply.Text, read)
		}
	}
	if plain := Errorf(CodeHeld, "no details"); string(plain.Sentence()) != "HELD no details" {
		t.Fatalf("%q", plain.Sentence())
	}
}
