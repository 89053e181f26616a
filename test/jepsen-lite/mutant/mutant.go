package mutant

import (
	"fmt"
	"strings"

	"github.com/coordd/coordd/internal/plant"
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
	files, err := plant.Changed(repository, m.edits())
	return files, m.explain(err)
}

// Planted writes the changed files into the folder, which is made, and says which file of the repository each of them is to replace.
func (m Mutant) Planted(repository, folder string) (map[string]string, error) {
	replace, err := plant.Write(repository, folder, m.edits())
	return replace, m.explain(err)
}

// Overlay is Planted as a file for the flag -overlay of the go command, which it returns.
func (m Mutant) Overlay(repository, folder string) (string, error) {
	overlay, err := plant.Overlay(repository, folder, m.edits())
	return overlay, m.explain(err)
}

func (m Mutant) edits() (edits []plant.Edit) {
	for _, one := range m.Edits {
		edits = append(edits, plant.Edit(one))
	}
	return edits
}

// explain says which mutant an error is about.
func (m Mutant) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mutant %s: %w", m.Name, err)
}
