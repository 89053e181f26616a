package options

import (
	"flag"
	"io"
	"strings"
)

// Example is a command line worth showing, and what it does.
type Example struct {
	Line string
	Says string
}

// Command is what help tells about a subcommand besides its flags.
type Command struct {
	Name     string   // as typed after "coordd", for example "members add"
	Summary  string   // one line without a full stop
	Usage    []string // what follows the name, one form a line
	Details  string   // paragraphs, already wrapped
	Examples []Example
}

// Set is the flags of one subcommand.
type Set struct {
	*flag.FlagSet // to declare flags on

	// Command is what help tells.
	Command Command
	// Environment lets COORDD_… variables fill flags that the command line leaves alone.
	Environment bool
	// StopAtOperand ends the flags at the first word that is not one, for commands whose words may look like flags.
	StopAtOperand bool

	variables  map[string]string // flag name -> environment variable, where it is not the usual one
	commanded  map[string]bool   // flags that the command line set
	fromShell  map[string]bool   // flags that the environment set
	fileForbid map[string]bool   // flags that a config file must not set
}

// New starts a set of flags for a subcommand.
func New(command Command) *Set {
	flags := flag.NewFlagSet(command.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return &Set{
		FlagSet: flags, Command: command,
		variables: map[string]string{}, commanded: map[string]bool{}, fromShell: map[string]bool{}, fileForbid: map[string]bool{},
	}
}

// Variable gives a flag another environment variable than the one its name makes; none when it is empty.
func (s *Set) Variable(name, variable string) { s.variables[name] = variable }

// WithoutVariables gives flags no environment variable: those that belong to one command line only.
func (s *Set) WithoutVariables(names ...string) {
	for _, name := range names {
		s.variables[name] = ""
	}
}

// NotInFile says that a config file must not set the flag.
func (s *Set) NotInFile(names ...string) {
	for _, name := range names {
		s.fileForbid[name] = true
	}
}

// variable is the environment variable of a flag: COORDD_ and its name in capitals.
func (s *Set) variable(name string) string {
	if other, found := s.variables[name]; found {
		return other
	}
	return "COORDD_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Given reports whether the command line, the environment or the file set the flag.
func (s *Set) Given(name string) bool {
	given := false
	s.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

// names lists the flags in order.
func (s *Set) names() []string {
	var names []string
	s.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return names
}
