package guard

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coordd/coordd/client"
)

// The limits of a fence.
const (
	MaxLockBytes = 512           // of a lock's name, as in the cluster
	MaxToken     = math.MaxInt64 // so that a token fits into the signed integers of databases
)

// Fence is a lock's name and the token under which one holder holds it exclusively. The zero value is no fence; every guard refuses it.
//
// Never make one of a semaphore's permit; see [Permit].
type Fence struct {
	lock  string
	token uint64
}

// Of is the fence of a lock that this process holds. Guards check it when they use it; see [Fence.Validate].
func Of(held *client.Held) Fence { return Fence{lock: held.Name(), token: held.Token()} }

// New is the fence of an exclusive lock that somebody else said to hold. It returns an error for a name or a token that no guard takes.
func New(lock string, token uint64) (Fence, error) {
	fence := Fence{lock: lock, token: token}
	if err := fence.Validate(); err != nil {
		return Fence{}, err
	}
	return fence, nil
}

// Parse is [New] for a token that came as text: decimal digits and nothing else.
func Parse(lock, token string) (Fence, error) {
	if strings.Trim(token, "0123456789") != "" || token == "" || len(token) > len(strconv.Itoa(MaxToken)) {
		return Fence{}, fmt.Errorf("%w: a fencing token is a number of up to 19 decimal digits, not %.40q", ErrInvalid, token)
	}
	number, err := strconv.ParseUint(token, 10, 64)
	if err != nil {
		return Fence{}, fmt.Errorf("%w: fencing token: %w", ErrInvalid, err)
	}
	return New(lock, number)
}

// Lock is the lock's name.
func (f Fence) Lock() string { return f.lock }

// Token is the holder's token.
func (f Fence) Token() uint64 { return f.token }

// TokenText is the token in decimal digits, the form in which programs should hand it on: many cannot hold it as a number.
func (f Fence) TokenText() string { return strconv.FormatUint(f.token, 10) }

func (f Fence) String() string { return fmt.Sprintf("lock %q, token %d", f.lock, f.token) }

// Validate returns an error that wraps [ErrInvalid] for what no guard takes: the zero value, a token of 0 or above [MaxToken], and a name that is empty, longer than
// [MaxLockBytes] or not text. Names are kept in databases' text columns and in headers, so bytes that are no UTF-8, and the zero byte, are refused.
func (f Fence) Validate() error {
	switch {
	case f.lock == "":
		return fmt.Errorf("%w: the lock's name is empty", ErrInvalid)
	case len(f.lock) > MaxLockBytes:
		return fmt.Errorf("%w: the lock's name has %d bytes; the limit is %d", ErrInvalid, len(f.lock), MaxLockBytes)
	case !utf8.ValidString(f.lock) || strings.Contains(f.lock, "\x00"):
		return fmt.Errorf("%w: the lock's name %.60q is not text (UTF-8 without zero bytes)", ErrInvalid, f.lock)
	case f.token == 0:
		return fmt.Errorf("%w: lock %q has token 0, which no grant has", ErrInvalid, f.lock)
	case f.token > MaxToken:
		return fmt.Errorf("%w: lock %q has token %d; the limit is %d", ErrInvalid, f.lock, f.token, uint64(MaxToken))
	}
	return nil
}

// ErrInvalid is wrapped by the errors for names and tokens that no guard takes.
var ErrInvalid = errors.New("invalid fence")
