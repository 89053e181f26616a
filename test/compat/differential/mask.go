package differential

import (
	"cmp"
	"slices"

	"github.com/coordd/coordd/test/compat/resp"
)

// Mask says how replies of a command are compared when their bytes differ.
type Mask int

const (
	// Exact replies are the same bytes.
	Exact Mask = iota
	// Seconds and Milliseconds are remaining times; both are positive and
	// close to each other. UnixSeconds and UnixMilliseconds are instants.
	Seconds
	Milliseconds
	UnixSeconds
	UnixMilliseconds
	// ClockTime is the reply of TIME: two strings of digits, the first a time.
	ClockTime
	// Types are replies of the same type and shape, with any content.
	Types
	// Integers are replies that differ in integers alone.
	Integers
	// Scan is a reply of SCAN: the same cursor, the names in any order.
	Scan
	// Hello is the greeting: its version and its connection id may differ.
	Hello
	// Remaining is any reply in which integers above a thousand are remaining
	// times in milliseconds, as scripts return them.
	Remaining
)

// How far two clocks, or two servers that a command reaches one after the
// other, may be apart.
const (
	toleranceSeconds      = 3
	toleranceMilliseconds = 3000
	remainingAbove        = 1000
)

// matches says whether two different replies are the same under the mask.
func (m Mask) matches(a, b resp.Value) bool {
	switch m {
	case Seconds, UnixSeconds:
		return closeIntegers(a, b, toleranceSeconds, 0)
	case Milliseconds, UnixMilliseconds:
		return closeIntegers(a, b, toleranceMilliseconds, 0)
	case Remaining:
		return sameTree(a, b, func(a, b resp.Value) bool { return closeIntegers(a, b, toleranceMilliseconds, remainingAbove) })
	case ClockTime:
		return len(a.Elements) == 2 && sameTree(a, b, func(a, b resp.Value) bool { return isDigits(a.Text) && isDigits(b.Text) }) &&
			closeIntegers(a.Elements[0], b.Elements[0], toleranceSeconds, 0)
	case Types:
		return sameTree(a, b, func(a, b resp.Value) bool { return true })
	case Integers:
		return sameTree(a, b, func(a, b resp.Value) bool { return a.Kind == ':' })
	case Scan:
		return len(a.Elements) == 2 && len(b.Elements) == 2 && a.Kind == b.Kind &&
			a.Elements[0].String() == b.Elements[0].String() && sameMembers(a.Elements[1], b.Elements[1])
	case Hello:
		return sameGreeting(a, b)
	default:
		return false
	}
}

// closeIntegers says whether both are positive numbers of the same type, above
// the floor, and no more than the tolerance apart.
func closeIntegers(a, b resp.Value, tolerance, floor int64) bool {
	x, okX := a.Int()
	y, okY := b.Int()
	return okX && okY && a.Kind == b.Kind && !a.IsError() && x > floor && y > floor && max(x-y, y-x) <= tolerance
}

func isDigits(text string) bool {
	return text != "" && !slices.ContainsFunc([]byte(text), func(b byte) bool { return b < '0' || b > '9' })
}

// sameTree compares two replies; leaves that differ are put to the function.
func sameTree(a, b resp.Value, leaf func(a, b resp.Value) bool) bool {
	if a.Kind != b.Kind || a.Null != b.Null || len(a.Elements) != len(b.Elements) || a.IsError() != b.IsError() {
		return false
	}
	for i := range a.Elements {
		if !sameTree(a.Elements[i], b.Elements[i], leaf) {
			return false
		}
	}
	return a.Elements != nil || a.Text == b.Text || !a.IsError() && leaf(a, b)
}

func sameMembers(a, b resp.Value) bool {
	if a.Kind != b.Kind || a.Elements == nil || len(a.Elements) != len(b.Elements) {
		return false
	}
	return slices.Equal(sortedTexts(a), sortedTexts(b))
}

func sortedTexts(value resp.Value) []string {
	texts := make([]string, len(value.Elements))
	for i, element := range value.Elements {
		texts[i] = element.String()
	}
	slices.SortFunc(texts, cmp.Compare)
	return texts
}

func sameGreeting(a, b resp.Value) bool {
	if a.Kind != b.Kind || a.Elements == nil || len(a.Elements) != len(b.Elements) {
		return false
	}
	for i := 0; i+1 < len(a.Elements); i += 2 {
		key, valueA, valueB := a.Elements[i], a.Elements[i+1], b.Elements[i+1]
		if key.String() != b.Elements[i].String() {
			return false
		}
		free := key.Text == "version" || key.Text == "id"
		if valueA.Kind != valueB.Kind || !free && valueA.String() != valueB.String() {
			return false
		}
	}
	return true
}
