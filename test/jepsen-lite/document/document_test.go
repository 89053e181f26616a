package document

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyWhatStandsBetweenIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("before <b>old<e> after"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time changes nothing
		if err := Replace(path, "<b>", "<e>", "new"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "before <b>new<e> after" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	for _, marks := range [][2]string{{"<none>", "<e>"}, {"<e>", "<b>"}} {
		if err := Replace(path, marks[0], marks[1], "x"); err == nil {
			t.Errorf("a document without %v was changed", marks)
		}
	}
}
