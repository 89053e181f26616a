package plant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Edit replaces a text that occurs exactly once in a file.
type Edit struct {
	File string // relative to the repository
	Old  string
	New  string
}

// Changed gives the changed text of each file, by its name in the repository. A text that does not occur exactly once is an error: whoever changed those lines plants anew.
func Changed(repository string, edits []Edit) (map[string]string, error) {
	files := map[string]string{}
	for _, edit := range edits {
		text, known := files[edit.File]
		if !known {
			content, err := os.ReadFile(filepath.Join(repository, edit.File))
			if err != nil {
				return nil, err
			}
			text = string(content)
		}
		if count := strings.Count(text, edit.Old); count != 1 {
			return nil, fmt.Errorf("the text that it replaces in %s occurs %d times, not once; plant the bug anew: %q", edit.File, count, edit.Old)
		}
		files[edit.File] = strings.Replace(text, edit.Old, edit.New, 1)
	}
	return files, nil
}

// Write writes the changed files into the folder, which is made, and says which file of the repository each of them is to replace.
func Write(repository, folder string, edits []Edit) (map[string]string, error) {
	files, err := Changed(repository, edits)
	if err != nil {
		return nil, err
	}
	replace := map[string]string{}
	for name, text := range files {
		path := filepath.Join(folder, "planted", name)
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

// Overlay is Write with a file for the flag -overlay of the go command, which it returns. The repository must be an absolute path.
func Overlay(repository, folder string, edits []Edit) (string, error) {
	replace, err := Write(repository, folder, edits)
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
