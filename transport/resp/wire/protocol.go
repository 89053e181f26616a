package wire

import "fmt"

// Protocol is the version of RESP that a connection speaks.
type Protocol uint8

// The versions. A connection starts with RESP2 and changes with HELLO.
const (
	RESP2 Protocol = 2
	RESP3 Protocol = 3
)

// ProtocolError says that the peer broke the protocol. The place in the stream is lost: answer it, if there is somebody to answer, and close.
type ProtocolError struct{ Reason string }

// Error implements error with Redis' wording.
func (e *ProtocolError) Error() string { return "Protocol error: " + e.Reason }

func protocolErrorf(format string, arguments ...any) error {
	return &ProtocolError{Reason: fmt.Sprintf(format, arguments...)}
}

// ParseInteger reads a decimal number as strictly as Redis does: no plus sign, no leading zeros, no spaces, no overflow.
func ParseInteger(text []byte) (n int64, ok bool) {
	digits := text
	negative := len(digits) > 0 && digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	if digits[0] == '0' {
		return 0, len(digits) == 1 && !negative
	}
	var magnitude uint64
	for _, digit := range digits {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		magnitude = magnitude*10 + uint64(digit-'0')
	}
	if negative {
		return -int64(magnitude), magnitude <= 1<<63
	}
	return int64(magnitude), magnitude < 1<<63
}
