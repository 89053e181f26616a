package options

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// WriteHelp writes what --help shows: what the command does, its flags with defaults and variables, and examples.
func (s *Set) WriteHelp(w io.Writer) {
	var text strings.Builder
	fmt.Fprintf(&text, "coordd %s - %s\n\nUsage:\n", s.Command.Name, s.Command.Summary)
	for _, form := range s.Command.Usage {
		fmt.Fprintf(&text, "  coordd %s\n", strings.TrimSpace(s.Command.Name+" "+form))
	}
	if s.Command.Details != "" {
		fmt.Fprintf(&text, "\n%s\n", strings.TrimSpace(s.Command.Details))
	}
	if len(s.names()) > 0 {
		text.WriteString("\nFlags:\n")
		s.VisitAll(func(f *flag.Flag) { s.writeFlag(&text, f) })
	}
	if len(s.Command.Examples) > 0 {
		text.WriteString("\nExamples:\n")
		for _, example := range s.Command.Examples {
			fmt.Fprintf(&text, "  # %s\n  %s\n", example.Says, example.Line)
		}
	}
	// Help that nobody reads to the end is no failure.
	_, _ = io.WriteString(w, text.String())
}

func (s *Set) writeFlag(text *strings.Builder, f *flag.Flag) {
	fmt.Fprintf(text, "  --%s", f.Name)
	if !isSwitch(f) {
		fmt.Fprintf(text, " %s", placeholder(f))
	}
	fmt.Fprintf(text, "\n        %s", f.Usage)
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" {
		fmt.Fprintf(text, " (default %s)", f.DefValue)
	}
	if variable := s.variable(f.Name); s.Environment && variable != "" {
		fmt.Fprintf(text, " [%s]", variable)
	}
	text.WriteByte('\n')
}

// placeholder stands for a flag's value in help and errors.
func placeholder(f *flag.Flag) string {
	if kind, ok := f.Value.(interface{ Kind() string }); ok && kind.Kind() != "" {
		return kind.Kind()
	}
	return "VALUE"
}
