package options

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sample is a set with one flag of each kind.
type sample struct {
	*Set
	address Address
	join    List
	secret  Text
	store   Choice
	pause   Duration
	nodes   Number
	loud    bool
}

func newSample() *sample {
	s := &sample{
		Set:     New(Command{Name: "try", Summary: "try things", Usage: []string{"[flags]"}, Examples: []Example{{"coordd try --nodes 5", "five of them"}}}),
		address: "127.0.0.1:1", join: List{Check: CheckAddress, Placeholder: "HOST:PORT"}, secret: Text{Hidden: true, Check: refuseEmptyColon},
		store: Choice{"bolt", []string{"bolt", "wal"}}, pause: Duration{Value: time.Second, AtLeast: time.Millisecond, AtMost: time.Minute}, nodes: Number{3, 1, 9},
	}
	s.Environment = true
	s.Var(&s.address, "redis-addr", "where to listen")
	s.Var(&s.join, "join", "whom to ask")
	s.Var(&s.secret, "secret", "a secret")
	s.Var(&s.store, "log-store", "how to store")
	s.Var(&s.pause, "pause", "how long")
	s.Var(&s.nodes, "nodes", "how many")
	s.BoolVar(&s.loud, "loud", false, "make noise")
	s.Variable("secret", "COORDD_HUSH")
	s.NotInFile("loud")
	s.Variable("loud", "")
	return s
}

func refuseEmptyColon(text string) error {
	if !strings.Contains(text, ":") {
		return errors.New("it must contain a colon")
	}
	return nil
}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "coordd.toml")
	file := "# a comment\nredis-addr = \"127.0.0.1:30\"\njoin = [\"h:31\", \"h:32\"]\nlog-store = \"wal\"\nnodes = 5\npause = \"3s\"\n"
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSample()
	operands, err := s.Parse([]string{"one", "--redis-addr=127.0.0.1:10", "--join", "h:11,h:12", "--join", "h:13", "--loud", "two"},
		environment("COORDD_REDIS_ADDR", "127.0.0.1:20", "COORDD_JOIN", "h:21", "COORDD_NODES", "7", "COORDD_HUSH", "a:b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ApplyFile(path); err != nil {
		t.Fatal(err)
	}
	got := []any{string(s.address), s.join.String(), s.nodes.Value, s.secret.Value, s.store.Value, s.pause.Value, s.loud, strings.Join(operands, " ")}
	want := []any{"127.0.0.1:10", "h:11,h:12,h:13", 7, "a:b", "wal", 3 * time.Second, true, "one two"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("value %d is %v, want %v", i, got[i], want[i])
		}
	}
	if !s.Given("log-store") || newSample().Given("log-store") {
		t.Error("Given does not tell a set flag from a default")
	}
}

func TestStopAtOperandLeavesTheRestAlone(t *testing.T) {
	s := newSample()
	s.StopAtOperand = true
	operands, err := s.Parse([]string{"--nodes", "2", "INCRBY", "n", "-5", "--loud"}, environment())
	if err != nil || strings.Join(operands, " ") != "INCRBY n -5 --loud" || s.loud {
		t.Errorf("%q, loud %v, %v", operands, s.loud, err)
	}
	operands, err = newSample().Parse([]string{"--", "--loud"}, environment())
	if err != nil || len(operands) != 1 {
		t.Errorf("after -- come operands: %q %v", operands, err)
	}
}

func TestRefusalsAreSentences(t *testing.T) {
	cases := []struct {
		arguments []string
		variables []string
		want      string
	}{
		{[]string{"--redis-adr", "x"}, nil, "there is no flag --redis-adr; did you mean --redis-addr?; see coordd try --help"},
		{[]string{"--zzzzzzzz"}, nil, "there is no flag --zzzzzzzz; see coordd try --help"},
		{[]string{"--nodes"}, nil, "--nodes needs a value: --nodes N"},
		{[]string{"--nodes", "0"}, nil, "--nodes 0: it must lie between 1 and 9"},
		{[]string{"--nodes", "many"}, nil, "--nodes many: this is not a whole number"},
		{[]string{"--redis-addr", "7379"}, nil, "--redis-addr 7379: this is not an address of the form HOST:PORT, such as 127.0.0.1:7379 or [::1]:7379"},
		{[]string{"--redis-addr", "h:70000"}, nil, `--redis-addr h:70000: the port "70000" is not a number from 0 to 65535`},
		{[]string{"--redis-addr", "0.0.0.0:0"}, nil, "--redis-addr 0.0.0.0:0: port 0, which takes any free port, is for tries on 127.0.0.1 only"},
		{[]string{"--join", "h:1,broken"}, nil, "--join h:1,broken: this is not an address of the form HOST:PORT, such as 127.0.0.1:7379 or [::1]:7379"},
		{[]string{"--log-store", "bold"}, nil, "--log-store bold: it is one of bolt, wal; did you mean bolt?"},
		{[]string{"--pause", "5"}, nil, "--pause 5: this is not a length of time with its unit, such as 300ms or 2s"},
		{[]string{"--pause", "5h"}, nil, "--pause 5h: it must lie between 1ms and 1m0s"},
		{[]string{"--secret", "hunter2"}, nil, "--secret (hidden): it must contain a colon"},
		{[]string{"--loud=perhaps"}, nil, "--loud perhaps: this is not a value of the kind the flag takes"},
		{nil, []string{"COORDD_NODES", "x"}, "COORDD_NODES=x in the environment: this is not a whole number"},
	}
	for _, c := range cases {
		_, err := newSample().Parse(c.arguments, environment(c.variables...))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q %q:\n got %v\nwant %s", c.arguments, c.variables, err, c.want)
		}
		var usage *UsageError
		if errors.As(err, &usage) == (c.variables != nil) {
			t.Errorf("%q: the error is a %T", c.arguments, err)
		}
	}
}

func TestFileRefusalsNameTheFileAndTheSetting(t *testing.T) {
	for file, want := range map[string]string{
		"nodes = ":                    "is not valid TOML: line 1: ",
		"nodez = 3":                   `there is no setting "nodez"; did you mean nodes?`,
		"loud = true":                 `there is no setting "loud"`,
		"nodes = 3.5":                 "nodes: this must be a string, a whole number, true, false, or a list of strings",
		"join = [[\"h:1\", \"h:2\"]]": "join: a list holds plain values only",
		"nodes = 33":                  `nodes = "33": it must lie between 1 and 9`,
		"secret = \"hunter2\"":        "secret = (hidden): it must contain a colon",
	} {
		path := filepath.Join(t.TempDir(), "coordd.toml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newSample()
		if _, err := s.Parse(nil, environment()); err != nil {
			t.Fatal(err)
		}
		err := s.ApplyFile(path)
		var config *ConfigError
		if !errors.As(err, &config) || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", file, err, want)
		}
	}
	if err := newSample().ApplyFile(filepath.Join(t.TempDir(), "none.toml")); err == nil || !strings.Contains(err.Error(), "none.toml") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestHelpShowsFlagsDefaultsVariablesAndExamples(t *testing.T) {
	_, err := newSample().Parse([]string{"--help"}, environment())
	if !errors.Is(err, ErrHelp) {
		t.Fatalf("--help: %v", err)
	}
	var text strings.Builder
	newSample().WriteHelp(&text)
	for _, want := range []string{
		"coordd try - try things\n", "\nUsage:\n  coordd try [flags]\n",
		"--redis-addr HOST:PORT\n        where to listen (default 127.0.0.1:1) [COORDD_REDIS_ADDR]\n", "--log-store bolt|wal\n", "[COORDD_HUSH]",
		"--loud\n        make noise\n", "  # five of them\n  coordd try --nodes 5\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("help lacks %q:\n%s", want, text.String())
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"serve", "status", "members", "dev"}
	for word, want := range map[string]string{"sevre": "serve", "stats": "status", "member": "members", "dv": "dev", "xyzzy": "", "": ""} {
		if got := Suggest(word, known); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
}
