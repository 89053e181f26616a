package plant

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATextMustOccurOnce(t *testing.T) {
	repository := t.TempDir()
	if err := os.WriteFile(filepath.Join(repository, "a.go"), []byte("one two two"), 0o644); err != nil {
		t.Fatal(err)
	}
	changed, err := Changed(repository, []Edit{{"a.go", "one", "two"}})
	if err != nil || changed["a.go"] != "two two two" {
		t.Errorf("%q, %v", changed, err)
	}
	for _, edits := range [][]Edit{
		{{"a.go", "two", "x"}}, {{"a.go", "three", "x"}}, {{"b.go", "one", "x"}},
		{{"a.go", "one", "two"}, {"a.go", "one", "x"}}, // the second edit sees what the first left
	} {
		if _, err := Changed(repository, edits); err == nil {
			t.Errorf("%v was done", edits)
		}
	}
}

func TestTheRepositoryStaysAsItIs(t *testing.T) {
	repository, folder := t.TempDir(), t.TempDir()
	file := filepath.Join(repository, "a.go")
	if err := os.WriteFile(file, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	overlay, err := Overlay(repository, folder, []Edit{{"a.go", "one", "two"}})
	if err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "one" {
		t.Errorf("%s, %v", content, err)
	}
	if content, err := os.ReadFile(overlay); err != nil || !strings.Contains(string(content), file) {
		t.Errorf("%s, %v", content, err)
	}
}
