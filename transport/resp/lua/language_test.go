package lua_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/script"
	"github.com/coordd/coordd/transport/resp/lua"
)

var record = flag.Bool("record", false, "write the replies of a real Redis to testdata")

// evaluate compiles and runs a script as the door and the machine do.
func evaluate(m *memory, source string, keys, arguments []string) command.Reply {
	program, flags, err := lua.CompileFlags([]byte(source))
	if err != nil {
		return command.Errorf(command.CodeGeneric, "%s", err)
	}
	if program, err = script.Decode(program.Encode()); err != nil {
		return command.Errorf(command.CodeMalformed, "%s", err)
	}
	m.readOnly = flags.NoWrites
	return script.Run(program, toBytes(keys), toBytes(arguments), m, script.DefaultBudget)
}

func toBytes(texts []string) [][]byte {
	out := make([][]byte, len(texts))
	for i, text := range texts {
		out[i] = []byte(text)
	}
	return out
}

// languageCase is one line of testdata/language.jsonl: a script, what Redis 7.0.15 answered to it, and what coordd answers if that differs, which is so only for
// what coordd refuses or cannot know.
type languageCase struct {
	Script string `json:"script"`
	Redis  string `json:"redis"`
	Coordd string `json:"coordd,omitempty"`
}

const languageFile = "testdata/language.jsonl"

func languageCases(t *testing.T) []languageCase {
	t.Helper()
	file, err := os.ReadFile(languageFile)
	if err != nil {
		t.Fatal(err)
	}
	var cases []languageCase
	for line := range bytes.Lines(file) {
		var c languageCase
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		cases = append(cases, c)
	}
	if len(cases) < 300 {
		t.Fatalf("only %d cases", len(cases))
	}
	return cases
}

// runLanguage runs a script as the recordings do: with the name h holding "v", one key and one argument.
func runLanguage(source string) string {
	m := newMemory()
	m.entries["h"] = entry{value: "v"}
	return printed(evaluate(m, source, []string{"key1"}, []string{"arg1"}))
}

func TestLanguage(t *testing.T) {
	for _, c := range languageCases(t) {
		want := c.Redis
		if c.Coordd != "" {
			want = c.Coordd
		}
		if got := runLanguage(c.Script); got != want {
			t.Errorf("%s\n got %s\nwant %s", c.Script, got, want)
		}
	}
}

// TestLanguageAgainstRedis makes sure that the recording is still what a Redis answers.
func TestLanguageAgainstRedis(t *testing.T) {
	redis := realRedis(t)
	var recorded []byte
	for _, c := range languageCases(t) {
		redis.do("flushall")
		redis.do("set", "h", "v")
		reply := printed(redis.do("eval", c.Script, "1", "key1", "arg1"))
		if *record {
			c.Redis, c.Coordd = reply, ""
			if got := runLanguage(c.Script); got != reply {
				c.Coordd = got
			}
			var line bytes.Buffer
			encoder := json.NewEncoder(&line)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(c); err != nil {
				t.Fatal(err)
			}
			recorded = append(recorded, line.Bytes()...)
		} else if reply != c.Redis {
			t.Errorf("%s\n Redis now answers %s\n recorded is %s", c.Script, reply, c.Redis)
		}
	}
	if *record {
		if err := os.WriteFile(languageFile, recorded, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
