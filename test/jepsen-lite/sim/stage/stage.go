package stage

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/sim/exact"
)

// mostTrueTime ends a play that does not come to an end.
const mostTrueTime = 3 * time.Minute

const worldPackage = "github.com/coordd/coordd/test/jepsen-lite/sim/world"

// resultMark begins the line in which a play reports; the same stands in package world.
const resultMark = "coordd-sim-result: "

// Stage plays seeds, each in a process of its own: so every play begins from the same state of the runtime, one that panics takes no other with it, and no garbage
// need be collected.
type Stage struct {
	Binary   string // the plays, as Build makes them
	Folder   string // for what the plays write
	Revision string // of the build
	Exact    bool   // seeds repeat exactly
}

// Build makes a stage in a folder. Planted changes files of the sources: from their paths to those of what is built instead; nil changes nothing. exactly is nil when plays can be
// repeated exactly, and otherwise why not.
func Build(folder string, planted map[string]string) (built *Stage, exactly, err error) {
	binary, exactly, err := exact.Build(folder, worldPackage, planted)
	if err != nil {
		return nil, exactly, err
	}
	return &Stage{Binary: binary, Folder: folder, Revision: revision(binary), Exact: exactly == nil}, exactly, nil
}

// MemoryFolder is a folder that lies in memory, if the system has one: nodes write little, but they wait for it. Empty means the usual temporary folder.
func MemoryFolder() string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); err == nil && info.IsDir() {
		return shared
	}
	return ""
}

// Result is what came of a seed.
type Result struct {
	Seed        uint64         `json:"seed"`
	Violations  []string       `json:"violations,omitempty"`
	Undecided   []string       `json:"undecided,omitempty"`
	Fingerprint string         `json:"fingerprint"`
	Simulated   time.Duration  `json:"simulated_ns"`
	Nodes       int            `json:"nodes"`
	Counts      map[string]int `json:"counts"`

	Took time.Duration `json:"-"` // true time
}

// Verdict is valid, invalid or unknown.
func (r *Result) Verdict() string {
	switch {
	case len(r.Violations) > 0:
		return "invalid"
	case len(r.Undecided) > 0:
		return "unknown"
	}
	return "valid"
}

// Tell writes what is wrong with a seed, and how to see it again.
func (r *Result) Tell(out io.Writer) {
	for _, violation := range r.Violations {
		fmt.Fprintf(out, "seed %d: VIOLATION: %s\n", r.Seed, violation)
	}
	for _, undecided := range r.Undecided {
		fmt.Fprintf(out, "seed %d: undecided: %s\n", r.Seed, undecided)
	}
	if r.Verdict() != "valid" {
		fmt.Fprintf(out, "seed %d: see it again: go run ./test/jepsen-lite/sim --repeat %d\n", r.Seed, r.Seed)
	}
}

// Play plays a seed. story is empty, or says what is shown on out while it is played.
func (s *Stage) Play(ctx context.Context, seed uint64, story string, out io.Writer) *Result {
	start := time.Now()
	folder := fmt.Sprint(seed)
	defer func() { _ = os.RemoveAll(filepath.Join(s.Folder, folder)) }()
	limited, cancel := context.WithTimeout(ctx, mostTrueTime)
	defer cancel()
	process := exec.CommandContext(limited, s.Binary, "-test.run", "^TestOneSeed$", "-test.v")
	// What a process is given lies in its memory, and where the rest then lies decides the order in which it walks through maps whose keys are pointers. So every play is given the same.
	process.Args[0], process.Dir = "plays", s.Folder
	process.Env = append(exact.Environment(), fmt.Sprintf("COORDD_SIM_SEED=%d", seed), "COORDD_SIM_STORY="+story, "COORDD_SIM_DIR="+folder)
	var answer, complaint bytes.Buffer
	process.Stdout, process.Stderr = &answer, &complaint
	if story != "" {
		process.Stderr = io.MultiWriter(&complaint, out)
	}
	err := process.Run()
	r := &Result{Seed: seed}
	switch found, readable := read(answer.Bytes()); {
	case ctx.Err() != nil:
		r.Undecided = []string{"the play was interrupted"}
	case limited.Err() != nil:
		r.Undecided = []string{fmt.Sprintf("the play did not come to an end in %s", mostTrueTime)}
	case killed(err):
		r.Undecided = []string{fmt.Sprintf("the process was ended from outside (%v)", err)}
	case !readable:
		r.Violations = []string{fmt.Sprintf("process: it ended before its play did (%v): %s", err, essence(answer.String()+complaint.String()))}
	default:
		r = found
	}
	r.Took = time.Since(start)
	return r
}

// killed reports that somebody ended the process, as a system does that runs out of memory.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// read finds the result among the lines that a process wrote.
func read(answer []byte) (*Result, bool) {
	lines := bufio.NewScanner(bytes.NewReader(answer))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), resultMark); ok {
			var r Result
			return &r, json.Unmarshal([]byte(text), &r) == nil
		}
	}
	return nil, false
}

// essence is the line that says why a process ended, and those after it.
func essence(text string) string {
	for _, mark := range []string{"panic: ", "fatal error: ", "--- FAIL"} {
		if at := strings.Index(text, mark); at >= 0 {
			text = text[at:]
			break
		}
	}
	return text[:min(len(text), 1500)]
}

// revision names a build by what it consists of.
func revision(binary string) string {
	file, err := os.Open(binary)
	if err != nil {
		return "unknown"
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "unknown"
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
