package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll parses everything that source holds and returns the requests, joined for comparison, and the error that ended it.
func readAll(source io.Reader, limits RequestLimits, unauthenticated bool) (requests []string, err error) {
	r := NewRequests(source, limits)
	r.Unauthenticated = unauthenticated
	for {
		arguments, err := r.Next()
		if errors.Is(err, ErrIncomplete) {
			if err := r.Fill(); err != nil {
				return requests, err
			}
			continue
		}
		if err != nil {
			return requests, err
		}
		requests = append(requests, string(bytes.Join(arguments, []byte("|"))))
	}
}

func TestRequestsInEveryForm(t *testing.T) {
	cases := []struct {
		name, input string
		want        []string
	}{
		{"multibulk", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", []string{"GET|k"}},
		{"binary argument", "*2\r\n$3\r\nGET\r\n$4\r\n\r\n\x00*\r\n", []string{"GET|\r\n\x00*"}},
		{"empty argument", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", []string{"ECHO|"}},
		{"pipeline", "*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n", []string{"PING", "PING", "QUIT"}},
		{"empty and nil requests are skipped", "*0\r\n*-1\r\n\r\n   \r\nPING\n", []string{"PING"}},
		{"inline blanks", "  SET \t k   v \r\n", []string{"SET|k|v"}},
		{"inline double quotes", `SET "a b" "\x41\n\t\"\\\q\xZZ"` + "\r\n", []string{"SET|a b|A\n\t\"\\qxZZ"}},
		{"inline single quotes", `SET 'a "b' 'it\'s\n'` + "\r\n", []string{`SET|a "b|it's\n`}},
		{"inline quote after text", `SET a"b c"` + "\r\n", []string{"SET|ab c"}},
		{"inline empty quotes", `SET k ""` + "\r\n", []string{"SET|k|"}},
	}
	for _, c := range cases {
		for how, source := range map[string]io.Reader{
			"at once":      strings.NewReader(c.input),
			"byte by byte": iotest.OneByteReader(strings.NewReader(c.input)),
		} {
			got, err := readAll(source, RequestLimits{}, false)
			if !errors.Is(err, io.EOF) || strings.Join(got, ";") != strings.Join(c.want, ";") {
				t.Errorf("%s, %s: %q, %v; want %q", c.name, how, got, err, c.want)
			}
		}
	}
}

func TestBrokenRequestsAreRefusedInRedisWords(t *testing.T) {
	limits := RequestLimits{Arguments: 20, RequestBytes: 40_000, InlineBytes: 100}
	cases := []struct {
		name, input, want string
		unauthenticated   bool
	}{
		{"count is no number", "*x\r\n", "invalid multibulk length", false},
		{"count with a plus", "*+1\r\n", "invalid multibulk length", false},
		{"count at the limit plus one", "*21\r\n", "invalid multibulk length", false},
		{"count overflows", "*99999999999999999999\r\n", "invalid multibulk length", false},
		{"endless count", "*" + strings.Repeat("1", 200), "too big mbulk count string", false},
		{"no dollar", "*1\r\n:5\r\n", "expected '$', got ':'", false},
		{"no dollar, binary", "*1\r\n\x015\r\n", "expected '$', got '?'", false},
		{"length is no number", "*1\r\n$x\r\n", "invalid bulk length", false},
		{"negative length", "*1\r\n$-1\r\n", "invalid bulk length", false},
		{"length above the limit", "*1\r\n$40000\r\n", "invalid bulk length", false},
		{"lengths together above the limit", "*2\r\n$30000\r\n" + strings.Repeat("a", 30_000) + "\r\n$20000\r\n", "invalid bulk length", false},
		{"endless length", "*1\r\n$" + strings.Repeat("1", 200), "too big bulk count string", false},
		{"no line end after a bulk", "*1\r\n$4\r\nPINGxx", "expected CRLF after a bulk of 4 bytes", false},
		{"inline too long", strings.Repeat("a", 101) + "\r\n", "too big inline request", false},
		{"inline without end", strings.Repeat("a", 101), "too big inline request", false},
		{"open double quote", "SET \"a\r\n", "unbalanced quotes in request", false},
		{"open single quote", "SET 'a\r\n", "unbalanced quotes in request", false},
		{"text after a closing quote", "SET \"a\"b\r\n", "unbalanced quotes in request", false},
		{"too many inline arguments", strings.Repeat("a ", 21) + "\r\n", "invalid multibulk length", false},
		{"many arguments from a stranger", "*11\r\n", "unauthenticated multibulk length", true},
		{"large argument from a stranger", "*1\r\n$16385\r\n", "unauthenticated bulk length", true},
	}
	for _, c := range cases {
		_, err := readAll(strings.NewReader(c.input), limits, c.unauthenticated)
		var broken *ProtocolError
		if !errors.As(err, &broken) || broken.Reason != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLimitsOfRequestsAreExact(t *testing.T) {
	limits := RequestLimits{Arguments: 3, RequestBytes: 1000}
	within := []string{
		"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
		"*1\r\n$990\r\n" + strings.Repeat("a", 990) + "\r\n",
	}
	for _, input := range within {
		if got, err := readAll(strings.NewReader(input), limits, false); len(got) != 1 || !errors.Is(err, io.EOF) {
			t.Errorf("%.12q: %d requests, %v", input, len(got), err)
		}
	}
	if _, err := readAll(strings.NewReader("*1\r\n$991\r\n"), limits, false); errors.Is(err, io.EOF) {
		t.Error("a request above its byte limit was accepted")
	}
	if got, err := readAll(strings.NewReader("*10\r\n"+strings.Repeat("$1\r\na\r\n", 10)), RequestLimits{}, true); len(got) != 1 {
		t.Errorf("ten arguments of a stranger: %v", err)
	}
}

// Arguments handed out must survive an Extend, which reads while they are in use.
func TestExtendLeavesArgumentsIntact(t *testing.T) {
	first := "*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n"
	more := strings.Repeat("*2\r\n$4\r\nECHO\r\n$5\r\nworld\r\n", 2000)
	r := NewRequests(iotest.HalfReader(strings.NewReader(first+more)), RequestLimits{})
	var arguments [][]byte
	for {
		var err error
		if arguments, err = r.Next(); err == nil {
			break
		}
		if err := r.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	for {
		if err := r.Extend(); err != nil {
			break
		}
	}
	if string(arguments[1]) != "hello" {
		t.Fatalf("the argument changed to %q", arguments[1])
	}
	count := 0
	for {
		arguments, err := r.Next()
		if err != nil {
			break
		}
		if string(arguments[1]) != "world" {
			t.Fatalf("request %d is %q", count, arguments)
		}
		count++
	}
	if count != 2000 {
		t.Fatalf("%d requests after the extensions", count)
	}
}

func TestParsingCommonRequestsAllocatesNothing(t *testing.T) {
	input := []byte(strings.Repeat("*6\r\n$3\r\nSET\r\n$5\r\njob:7\r\n$2\r\nme\r\n$2\r\nNX\r\n$2\r\nPX\r\n$5\r\n30000\r\n", 40))
	source := bytes.NewReader(nil)
	r := NewRequests(source, RequestLimits{})
	round := func() {
		source.Reset(input)
		for count := 0; count < 40; {
			if _, err := r.Next(); err == nil {
				count++
			} else if err := r.Fill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	round()
	if allocations := testing.AllocsPerRun(100, round); allocations > 0 {
		t.Errorf("%v allocations for 40 requests", allocations)
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n"), uint8(3))
	f.Add([]byte("SET \"a\\x41\" 'b'\r\n*0\r\n*-1\r\n"), uint8(1))
	f.Add([]byte("*1\r\n$-1\r\n"), uint8(200))
	limits := RequestLimits{Arguments: 16, RequestBytes: 4096, InlineBytes: 512}
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		want, wantErr := readAll(bytes.NewReader(input), limits, false)
		got, gotErr := readAll(&pieces{input, int(piece) + 1}, limits, false)
		if strings.Join(got, "\x00;") != strings.Join(want, "\x00;") || gotErr.Error() != wantErr.Error() {
			t.Fatalf("in pieces of %d: %q, %v; at once %q, %v", int(piece)+1, got, gotErr, want, wantErr)
		}
		roundTrip(t, input, limits)
	})
}

// roundTrip writes every request that input holds anew and reads it back.
func roundTrip(t *testing.T, input []byte, limits RequestLimits) {
	r := NewRequests(bytes.NewReader(input), limits)
	for {
		arguments, err := r.Next()
		if errors.Is(err, ErrIncomplete) {
			err = r.Fill()
			if err == nil {
				continue
			}
		}
		if err != nil {
			return
		}
		encoded := AppendRequest(nil, arguments...)
		again := NewRequests(bytes.NewReader(encoded), RequestLimits{})
		for again.Fill() == nil {
			continue
		}
		back, err := again.Next()
		if err != nil || len(back) != len(arguments) || !bytes.Equal(bytes.Join(back, []byte{0}), bytes.Join(arguments, []byte{0})) {
			t.Fatalf("%q came back as %q, %v", arguments, back, err)
		}
	}
}

// pieces is a source that gives at most so many bytes per read.
type pieces struct {
	rest []byte
	size int
}

func (p *pieces) Read(into []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(into[:min(len(into), p.size)], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func BenchmarkReadRequest(b *testing.B) {
	input := []byte(strings.Repeat("*6\r\n$3\r\nSET\r\n$5\r\njob:7\r\n$2\r\nme\r\n$2\r\nNX\r\n$2\r\nPX\r\n$5\r\n30000\r\n", 50))
	source := bytes.NewReader(nil)
	r := NewRequests(source, RequestLimits{})
	b.ReportAllocs()
	for b.Loop() {
		source.Reset(input)
		for count := 0; count < 50; {
			if _, err := r.Next(); err == nil {
				count++
			} else if err := r.Fill(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
