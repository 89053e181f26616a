package options

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/BurntSushi/toml"
)

// maxFileBytes bounds a config file; a larger one is surely not a config file.
const maxFileBytes = 1 << 20

// ApplyFile fills the flags that neither the command line nor the environment set from a TOML file whose keys are the names of the flags. Call it
// after Parse. Every error is a *ConfigError that names the file.
func (s *Set) ApplyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return Configf("the config file cannot be read: %v", err)
	}
	if info.Size() > maxFileBytes {
		return Configf("%s is larger than %d bytes, so it is hardly a config file", path, maxFileBytes)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return Configf("the config file cannot be read: %v", err)
	}
	var values map[string]any
	if _, err := toml.Decode(string(source), &values); err != nil {
		return Configf("%s is not valid TOML: %s", path, tomlReason(err))
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := s.applyFileValue(name, values[name]); err != nil {
			return Configf("%s: %v", path, err)
		}
	}
	return nil
}

func tomlReason(err error) string {
	var broken toml.ParseError
	if errors.As(err, &broken) {
		return fmt.Sprintf("line %d: %s", broken.Position.Line, broken.Message)
	}
	return err.Error()
}

func (s *Set) applyFileValue(name string, value any) error {
	declared := s.Lookup(name)
	if declared == nil || s.fileForbid[name] {
		return fmt.Errorf("there is no setting %q%s", name, suggestion(name, "", s.fileNames()))
	}
	texts, err := fileTexts(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if s.commanded[name] || s.fromShell[name] {
		return nil
	}
	reset(declared)
	for _, text := range texts {
		if err := s.FlagSet.Set(name, text); err != nil {
			return fmt.Errorf("%s = %s: %s", name, shown(declared, strconv.Quote(text)), plainReason(err))
		}
	}
	return nil
}

// fileTexts turns a TOML value into what would stand on the command line; a list is a flag given several times.
func fileTexts(value any) ([]string, error) {
	switch v := value.(type) {
	case string:
		return []string{v}, nil
	case int64:
		return []string{strconv.FormatInt(v, 10)}, nil
	case bool:
		return []string{strconv.FormatBool(v)}, nil
	case []any:
		var texts []string
		for _, element := range v {
			inner, err := fileTexts(element)
			if err != nil || len(inner) != 1 {
				return nil, fmt.Errorf("a list holds plain values only")
			}
			texts = append(texts, inner...)
		}
		return texts, nil
	}
	return nil, fmt.Errorf("this must be a string, a whole number, true, false, or a list of strings")
}

func (s *Set) fileNames() []string {
	return slices.DeleteFunc(s.names(), func(name string) bool { return s.fileForbid[name] })
}
