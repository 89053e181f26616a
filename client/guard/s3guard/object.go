package s3guard

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/coordd/coordd/client/guard"
)

// Object is what was read of a guarded object: its content, and who wrote it.
type Object struct {
	Lock    string // empty for Absent
	Token   uint64 // 0 for Absent
	Content []byte
	etag    string
}

// Absent is an object that is not there.
var Absent = Object{}

// Put is a conditional write. Exactly one of IfMatch and IfNoneMatch is set.
type Put struct {
	Body        []byte
	IfMatch     string
	IfNoneMatch string
}

// Header has the condition for those who speak HTTP themselves.
func (p Put) Header() http.Header {
	header := http.Header{}
	if p.IfMatch != "" {
		header.Set("If-Match", p.IfMatch)
	}
	if p.IfNoneMatch != "" {
		header.Set("If-None-Match", p.IfNoneMatch)
	}
	return header
}

// ErrNotGuarded is wrapped by the error for an object that was not written by this package.
var ErrNotGuarded = errors.New("not a guarded object")

const (
	magic   = "coordd-fence/1 "
	maxLine = len(magic) + 20 + 4*guard.MaxLockBytes + 8
)

// Open reads an object from its ETag and body, both of one and the same answer to a GetObject. An ETag that is missing or weak cannot be the ground of a condition and is an error.
func Open(etag string, body []byte) (Object, error) {
	if etag == "" || strings.HasPrefix(etag, "W/") {
		return Object{}, fmt.Errorf("the ETag %q cannot be compared exactly, so no write can depend on it", etag)
	}
	line, content, found := bytes.Cut(body[:min(len(body), maxLine)], []byte("\n"))
	rest, marked := strings.CutPrefix(string(line), magic)
	if !found || !marked {
		return Object{}, fmt.Errorf("%w: it does not begin with a line %q", ErrNotGuarded, magic+"TOKEN LOCK")
	}
	token, quoted, _ := strings.Cut(rest, " ")
	lock, err := strconv.Unquote(quoted)
	if err != nil {
		return Object{}, fmt.Errorf("%w: the lock's name in its first line cannot be read", ErrNotGuarded)
	}
	fence, err := guard.Parse(lock, token)
	if err != nil {
		return Object{}, fmt.Errorf("%w: %w", ErrNotGuarded, err)
	}
	content = body[len(line)+1:]
	return Object{Lock: fence.Lock(), Token: fence.Token(), Content: content, etag: etag}, nil
}

// Next is the write that replaces what was read, by the rule "not older than seen". It returns a *[guard.StaleError] if the object was written under a newer token, and an error if it belongs to another
// lock. When the store answers that the condition failed, somebody else has written: read again.
func (o Object) Next(fence guard.Fence, content []byte) (Put, error) {
	if err := fence.Validate(); err != nil {
		return Put{}, err
	}
	if o.Lock != "" && o.Lock != fence.Lock() {
		return Put{}, fmt.Errorf("the object is guarded by lock %q and not by lock %q; tokens of different locks must not be compared", o.Lock, fence.Lock())
	}
	if o.Token > fence.Token() {
		return Put{}, &guard.StaleError{Fence: fence, Newest: o.Token}
	}
	put := Put{IfMatch: o.etag, Body: fmt.Appendf(nil, "%s%d %s\n", magic, fence.Token(), strconv.QuoteToASCII(fence.Lock()))}
	put.Body = append(put.Body, content...)
	if o.etag == "" {
		put.IfNoneMatch = "*"
	}
	return put, nil
}

// Enter is the write with which a holder that was just granted the lock shuts out its predecessors: the same content, under its own token.
func (o Object) Enter(fence guard.Fence) (Put, error) { return o.Next(fence, o.Content) }

// NextCurrent is Next by the rule "equals current": the holder must have entered, and nobody after it. Otherwise the error is a *[guard.NotEnteredError] or a *[guard.StaleError].
func (o Object) NextCurrent(fence guard.Fence, content []byte) (Put, error) {
	put, err := o.Next(fence, content)
	if err == nil && o.Token != fence.Token() {
		return Put{}, &guard.NotEnteredError{Fence: fence, Newest: o.Token}
	}
	return put, err
}
