package exact

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Tag is the build tag of code that needs the changed runtime.
const Tag = "coordd_exact"

// change replaces one piece of a file of the runtime, which must be there exactly once.
type change struct{ file, old, new string }

// changes is all that is different.
var changes = []change{
	// The source of choices, off until a play begins.
	{"runtime/rand.go", "// rand32 is uint32(rand()), called from compiler-generated code.", `// coorddState is the state of the seeded source; 0 while it is off.
var coorddState uint64

// coorddAlone: one thread runs everything.
const coorddAlone = true

// coorddChooseBySeed seeds the source, or turns it off with 0.
//
//go:linkname coorddChooseBySeed
func coorddChooseBySeed(seed uint64) { coorddState = seed }

// coorddChooses reports whether the running goroutine's choices come from the seeded source.
//
//go:nosplit
func coorddChooses() bool { return coorddState != 0 && getg().bubble != nil }

//go:nosplit
func coorddNext() uint64 {
	coorddState += 0xa0761d6478bd642f
	hi, lo := math.Mul64(coorddState, coorddState^0xe7037ed1a0b428db)
	return hi ^ lo
}

// rand32 is uint32(rand()), called from compiler-generated code.`},
	// Random numbers of programs, and where the walk through a map begins.
	{"runtime/rand.go", "	// 3.7ns/call this way versus 4.3ns/call with acquirem (+16%).\n", `	// 3.7ns/call this way versus 4.3ns/call with acquirem (+16%).
	if coorddChooses() {
		return coorddNext()
	}
`},
	// What the process itself begins with: the keys of hash functions among others.
	{"runtime/rand.go", "	globalRand.state.Init(*seed)\n", "	clear(seed[:])\n	globalRand.state.Init(*seed)\n"},
	// Which ready case of a select is taken.
	{"runtime/select.go", "		j := cheaprandn(uint32(norder + 1))\n", `		var j uint32
		if coorddChooses() {
			j = uint32((uint64(uint32(coorddNext())) * uint64(norder+1)) >> 32)
		} else {
			j = cheaprandn(uint32(norder + 1))
		}
`},
	// Which of two timers of one moment fires first.
	{"runtime/time.go", "			t.rand = cheaprand()\n", `			if coorddChooses() {
				t.rand = uint32(coorddNext())
			} else {
				t.rand = cheaprand()
			}
`},
	// A mutex whose waiter has waited for long is handed to it. In a play that is what its own time says, not how busy the machine is.
	{"runtime/sema.go", "func internal_sync_nanotime() int64 {\n", `func internal_sync_nanotime() int64 {
	if coorddChooses() {
		return 1 + getg().bubble.now
	}
`},
	// Nothing is preempted, and no other thread is started, because true time passes: not before a play begins either, since what a thread needs in memory shifts all that comes after it.
	{"runtime/proc.go", "func retake(now int64) uint32 {\n", `func retake(now int64) uint32 {
	if coorddAlone {
		return 0
	}
`},
	// For the same reason the main goroutine is not bound to a thread while packages are initialized: others would hand it over to that thread, and now and then start one more.
	{"runtime/proc.go", "	lockOSThread()\n\n	if mp != &m0 {\n", "	if mp != &m0 {\n"},
	{"runtime/proc.go", "		if needUnlock {\n			unlockOSThread()\n", "		if needUnlock && !coorddAlone {\n			unlockOSThread()\n"},
	{"runtime/proc.go", "	needUnlock = false\n	unlockOSThread()\n", "	needUnlock = false\n"},
}

// overlay writes the changed files into a folder, and the description for the go command. It answers that description's path.
func overlay(folder string, planted map[string]string) (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("ask the go command where its sources are: %w", err)
	}
	sources := filepath.Join(strings.TrimSpace(string(root)), "src")
	texts := make(map[string]string)
	for _, c := range changes {
		if _, read := texts[c.file]; !read {
			text, err := os.ReadFile(filepath.Join(sources, c.file))
			if err != nil {
				return "", fmt.Errorf("read the sources of the runtime: %w", err)
			}
			texts[c.file] = string(text)
		}
		if count := strings.Count(texts[c.file], c.old); count != 1 {
			return "", fmt.Errorf("the changes of the runtime do not fit this version of Go: %s has %d places like %q", c.file, count, strings.TrimSpace(c.old))
		}
		texts[c.file] = strings.Replace(texts[c.file], c.old, c.new, 1)
	}
	replaced := make(map[string]string)
	maps.Copy(replaced, planted)
	for file, text := range texts {
		changed := filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", err
		}
		replaced[filepath.Join(sources, file)] = changed
	}
	return describe(folder, replaced)
}

// describe writes the description of an overlay.
func describe(folder string, replaced map[string]string) (string, error) {
	description, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, description, 0o600)
}

// Build builds the test binary of a package in a folder and answers its path. Planted are files that are built instead of others. exactly is nil when plays can be repeated exactly, and otherwise why not.
func Build(folder, packagePath string, planted map[string]string) (binary string, exactly, err error) {
	binary = filepath.Join(folder, "plays.test")
	arguments := []string{"test", "-c", "-o", binary}
	environment := os.Environ()
	description, exactly := overlay(folder, planted)
	if exactly == nil {
		arguments = append(arguments, "-overlay", description, "-tags", Tag)
		environment = append(environment, "CGO_ENABLED=0", "GOEXPERIMENT=norandomizedheapbase64")
	}
	if exactly != nil && len(planted) > 0 {
		if description, err = describe(folder, planted); err != nil {
			return "", exactly, err
		}
		arguments = append(arguments, "-overlay", description)
	}
	build := exec.Command("go", append(arguments, packagePath)...)
	build.Env = environment
	if text, err := build.CombinedOutput(); err != nil {
		return "", exactly, fmt.Errorf("build the plays: %w\n%s", err, text)
	}
	return binary, exactly, nil
}

// Environment is what a process of the binary needs besides the environment of this one.
func Environment() []string { return []string{"GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1"} }
