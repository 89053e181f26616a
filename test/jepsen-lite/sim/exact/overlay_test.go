package exact

import (
	"encoding/json"
	"os"
	"testing"
)

// The changes fit the Go that builds this; when they do not any more, plays still run, and seeds repeat less.
func TestTheChangesFitThisGo(t *testing.T) {
	path, err := overlay(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var description struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &description); err != nil {
		t.Fatal(err)
	}
	if len(description.Replace) != 5 {
		t.Errorf("%d files of the runtime are changed: %v", len(description.Replace), description.Replace)
	}
}
