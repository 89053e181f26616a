package options

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// ErrHelp is returned by Parse when --help or -h was asked for.
var ErrHelp = errors.New("help was asked for")

// UsageError is a command line that cannot be understood. Its text is a sentence for the person who typed it.
type UsageError struct{ Text string }

// Error implements error.
func (e *UsageError) Error() string { return e.Text }

// Usagef makes a *UsageError.
func Usagef(format string, arguments ...any) error {
	return &UsageError{Text: fmt.Sprintf(format, arguments...)}
}

// ConfigError is a value from the environment or the config file, or a combination of settings, that cannot be used.
type ConfigError struct{ Text string }

// Error implements error.
func (e *ConfigError) Error() string { return e.Text }

// Configf makes a *ConfigError.
func Configf(format string, arguments ...any) error {
	return &ConfigError{Text: fmt.Sprintf(format, arguments...)}
}

// Parse fills the flags from the command line and, where Environment is set, from the variables. It returns the words that are not flags. Call
// it once. The error is ErrHelp, a *UsageError or a *ConfigError.
func (s *Set) Parse(arguments []string, getenv func(string) string) (operands []string, err error) {
	operands, err = s.parseArguments(arguments)
	if err != nil {
		return nil, err
	}
	if !s.Environment {
		return operands, nil
	}
	return operands, s.parseEnvironment(getenv)
}

func (s *Set) parseArguments(arguments []string) (operands []string, err error) {
	for len(arguments) > 0 {
		word := arguments[0]
		switch {
		case word == "--":
			return append(operands, arguments[1:]...), nil
		case word == "-" || !strings.HasPrefix(word, "-"):
			if s.StopAtOperand {
				return append(operands, arguments...), nil
			}
			operands, arguments = append(operands, word), arguments[1:]
		default:
			arguments, err = s.parseFlag(arguments)
			if err != nil {
				return nil, err
			}
		}
	}
	return operands, nil
}

// parseFlag takes one flag, with its value, off the front of the arguments.
func (s *Set) parseFlag(arguments []string) (rest []string, err error) {
	word, rest := arguments[0], arguments[1:]
	name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	declared := s.Lookup(name)
	switch {
	case declared == nil && (name == "help" || name == "h"):
		return nil, ErrHelp
	case declared == nil:
		return nil, Usagef("there is no flag --%s%s; see coordd %s --help", name, suggestion(name, "--", s.names()), s.Command.Name)
	case hasValue:
	case isSwitch(declared):
		value = "true"
	case len(rest) == 0:
		return nil, Usagef("--%s needs a value: --%s %s", name, name, placeholder(declared))
	default:
		value, rest = rest[0], rest[1:]
	}
	if !s.commanded[name] {
		reset(declared)
	}
	if err := s.FlagSet.Set(name, value); err != nil {
		return nil, Usagef("--%s %s: %s", name, shown(declared, value), plainReason(err))
	}
	s.commanded[name] = true
	return rest, nil
}

func (s *Set) parseEnvironment(getenv func(string) string) error {
	for _, name := range s.names() {
		variable := s.variable(name)
		if variable == "" || s.commanded[name] {
			continue
		}
		value := getenv(variable)
		if value == "" {
			continue
		}
		declared := s.Lookup(name)
		reset(declared)
		if err := s.FlagSet.Set(name, value); err != nil {
			return Configf("%s=%s in the environment: %s", variable, shown(declared, value), plainReason(err))
		}
		s.fromShell[name] = true
	}
	return nil
}

// isSwitch reports whether a flag may stand without a value.
func isSwitch(f *flag.Flag) bool {
	boolean, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && boolean.IsBoolFlag()
}

// reset empties a flag that collects values, so that a place that wins replaces what a weaker one gave instead of adding to it.
func reset(f *flag.Flag) {
	if collector, ok := f.Value.(interface{ Reset() }); ok {
		collector.Reset()
	}
}

// shown is the value as an error may show it.
func shown(f *flag.Flag, value string) string {
	if secret, ok := f.Value.(interface{ Secret() bool }); ok && secret.Secret() {
		return "(hidden)"
	}
	return value
}

// plainReason turns the terse errors of package flag into sentences; our own values speak in sentences already.
func plainReason(err error) string {
	switch err.Error() {
	case "parse error":
		return "this is not a value of the kind the flag takes"
	case "value out of range":
		return "this number is out of range"
	}
	return err.Error()
}
