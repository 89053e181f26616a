package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// Edit replaces a text that occurs exactly once in a file.
type Edit struct {
	File string // relative to the repository
	Old  string
	New  string
}

// Mutant is a planted bug.
type Mutant struct {
	Name  string
	About string
	Edits []Edit
	// Seeds is how many seeds of the simulation a run that must find it plays at most. 0: the simulation cannot express it, and real processes are run.
	Seeds uint64
	// Adapt changes the plan of the runs with real processes that must find it: nemeses above all. nil: such runs are not expected to.
	Adapt func(*run.Plan)
}

// Find finds a mutant by its name.
func Find(name string) (Mutant, error) {
	var names []string
	for _, one := range All() {
		if one.Name == name {
			return one, nil
		}
		names = append(names, one.Name)
	}
	return Mutant{}, fmt.Errorf("there is no mutant %q; the mutants are %s", name, strings.Join(names, ", "))
}

// Plan is what must find the mutant with that seed.
func (m Mutant) Plan(seed uint64) run.Plan {
	plan := run.Default()
	plan.Nemeses, plan.Seed, plan.StopEarly, plan.Mutant = nil, seed, true, m.Name
	if m.Adapt != nil {
		m.Adapt(&plan)
	}
	return plan
}

// Changed gives the changed text of each file.
func (m Mutant) Changed(repository string) (map[string]string, error) {
	files := map[string]string{}
	for _, edit := range m.Edits {
		text, known := files[edit.File]
		if !known {
			content, err := os.ReadFile(filepath.Join(repository, edit.File))
			if err != nil {
				return nil, fmt.Errorf("mutant %s: %w", m.Name, err)
			}
			text = string(content)
		}
		if count := strings.Count(text, edit.Old); count != 1 {
			return nil, fmt.Errorf("mutant %s: the text that it replaces in %s occurs %d times, not once; plant the bug anew: %q", m.Name, edit.File, count, edit.Old)
		}
		files[edit.File] = strings.Replace(text, edit.Old, edit.New, 1)
	}
	return files, nil
}

// Planted writes the changed files into the folder, which is made, and says which file of the repository each of them is to replace.
func (m Mutant) Planted(repository, folder string) (map[string]string, error) {
	files, err := m.Changed(repository)
	if err != nil {
		return nil, err
	}
	replace := map[string]string{}
	for name, text := range files {
		path := filepath.Join(folder, "mutant", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
		replace[filepath.Join(repository, name)] = path
	}
	return replace, nil
}

// Overlay is Planted as a file for the flag -overlay of the go command, which it returns.
func (m Mutant) Overlay(repository, folder string) (string, error) {
	replace, err := m.Planted(repository, folder)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o644)
}
