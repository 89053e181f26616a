package options

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// List is a flag that may be repeated, and whose values may each be several, with commas between them.
type List struct {
	Values []string
	// Check, when set, refuses a value with a sentence.
	Check func(string) error
	// Whole keeps commas in a value instead of splitting there.
	Whole bool
	// Hidden keeps the values out of errors and help.
	Hidden bool
	// Placeholder stands for a value in help.
	Placeholder string
}

// String implements flag.Value.
func (l *List) String() string {
	if l == nil || l.Hidden {
		return ""
	}
	return strings.Join(l.Values, ",")
}

// Set implements flag.Value: it adds to the list.
func (l *List) Set(text string) error {
	parts := []string{text}
	if !l.Whole {
		parts = strings.Split(text, ",")
	}
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if l.Check != nil {
			if err := l.Check(part); err != nil {
				return err
			}
		}
		l.Values = append(l.Values, part)
	}
	return nil
}

// Reset empties the list, before a place that wins fills it.
func (l *List) Reset() { l.Values = nil }

// Secret reports whether values must not be shown.
func (l *List) Secret() bool { return l.Hidden }

// Kind is the placeholder in help.
func (l *List) Kind() string { return l.Placeholder }

// Address is a host and a port.
type Address string

// String implements flag.Value.
func (a *Address) String() string { return string(*a) }

// Set implements flag.Value.
func (a *Address) Set(text string) error {
	if err := CheckAddress(text); err != nil {
		return err
	}
	*a = Address(text)
	return nil
}

// Kind is the placeholder in help.
func (a *Address) Kind() string { return "HOST:PORT" }

// CheckAddress refuses what is not HOST:PORT with a port from 0 to 65535.
func CheckAddress(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("this is not an address of the form HOST:PORT, such as 127.0.0.1:7379 or [::1]:7379")
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || port == "" {
		return fmt.Errorf("the port %q is not a number from 0 to 65535", port)
	} else if number == 0 && !strings.HasPrefix(text, "127.") {
		return fmt.Errorf("port 0, which takes any free port, is for tries on 127.0.0.1 only")
	}
	return nil
}

// Choice is one of a few words.
type Choice struct {
	Value string
	Of    []string
}

// String implements flag.Value.
func (c *Choice) String() string { return c.Value }

// Set implements flag.Value.
func (c *Choice) Set(text string) error {
	if !slices.Contains(c.Of, text) {
		return fmt.Errorf("it is one of %s%s", strings.Join(c.Of, ", "), suggestion(text, "", c.Of))
	}
	c.Value = text
	return nil
}

// Kind is the placeholder in help.
func (c *Choice) Kind() string { return strings.Join(c.Of, "|") }

// Duration is a length of time between two bounds.
type Duration struct {
	Value        time.Duration
	AtLeast      time.Duration
	AtMost       time.Duration
	AllowNothing bool // 0 is allowed too
}

// String implements flag.Value.
func (d *Duration) String() string { return d.Value.String() }

// Set implements flag.Value.
func (d *Duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("this is not a length of time with its unit, such as 300ms or 2s")
	}
	if (value < d.AtLeast || value > d.AtMost) && !(d.AllowNothing && value == 0) {
		return fmt.Errorf("it must lie between %s and %s", d.AtLeast, d.AtMost)
	}
	d.Value = value
	return nil
}

// Kind is the placeholder in help.
func (d *Duration) Kind() string { return "DURATION" }

// Number is a whole number between two bounds.
type Number struct {
	Value   int
	AtLeast int
	AtMost  int
}

// String implements flag.Value.
func (n *Number) String() string { return strconv.Itoa(n.Value) }

// Set implements flag.Value.
func (n *Number) Set(text string) error {
	value, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("this is not a whole number")
	}
	if value < n.AtLeast || value > n.AtMost {
		return fmt.Errorf("it must lie between %d and %d", n.AtLeast, n.AtMost)
	}
	n.Value = value
	return nil
}

// Kind is the placeholder in help.
func (n *Number) Kind() string { return "N" }

// Text is a string, for a flag whose help wants a placeholder of its own or whose value must not be shown.
type Text struct {
	Value       string
	Placeholder string
	Hidden      bool
	Check       func(string) error
}

// String implements flag.Value.
func (t *Text) String() string {
	if t == nil || t.Hidden {
		return ""
	}
	return t.Value
}

// Set implements flag.Value.
func (t *Text) Set(text string) error {
	if t.Check != nil {
		if err := t.Check(text); err != nil {
			return err
		}
	}
	t.Value = text
	return nil
}

// Secret reports whether the value must not be shown.
func (t *Text) Secret() bool { return t.Hidden }

// Kind is the placeholder in help.
func (t *Text) Kind() string { return t.Placeholder }
