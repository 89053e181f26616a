package httpguard_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/httpguard"
)

func openFile(t *testing.T, path string) *httpguard.File {
	t.Helper()
	file, err := httpguard.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func enter(t *testing.T, marks httpguard.Marks, lock string, token uint64) error {
	t.Helper()
	leave, err := marks.Enter(t.Context(), fence(t, lock, token))
	if err == nil {
		leave()
	}
	return err
}

// A middleware whose mark is in memory forgets it at a restart and lets a stale token in. One in a file does not.
func TestS20_AMarkInAFileSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	for restart := range 3 {
		file := openFile(t, path)
		g, err := httpguard.New(file, httpguard.Options{Lock: httpguard.Fixed("job")})
		if err != nil {
			t.Fatal(err)
		}
		if restart == 0 {
			if status, _ := send(t, g.Wrap(echo), http.MethodPut, "", httpguard.TokenHeader, "34"); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
		}
		if status, problem := send(t, g.Wrap(echo), http.MethodPut, "", httpguard.TokenHeader, "33"); status != http.StatusPreconditionFailed || problem.Newest != "34" {
			t.Errorf("restart %d: got %d %+v", restart, status, problem)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		if err := enter(t, file, "job", 99); err == nil {
			t.Error("a closed file took a mark")
		}
	}
	forgetful := httpguard.NewMemory(0)
	if err := enter(t, forgetful, "job", 33); err != nil {
		t.Errorf("memory that was just made cannot know better, and that is why it is for tests: %v", err)
	}
}

func TestALineThatWasNotWrittenToItsEndIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	file := openFile(t, path)
	if err := errors.Join(enter(t, file, "job", 33), enter(t, file, "the \"other\"\n作業", 7), enter(t, file, "job", 34)); err != nil {
		t.Fatal(err)
	}
	file.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndex(strings.TrimSuffix(string(whole), "\n"), "\n") + 1
	for cut := last; cut < len(whole); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		file := openFile(t, path)
		if err := enter(t, file, "job", 32); !errors.Is(err, guard.ErrStale) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if err := enter(t, file, "job", 33); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		file.Close()
	}
}

// Any other damage might hide the newest mark.
func TestADamagedFileIsNotOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	file := openFile(t, path)
	if err := errors.Join(enter(t, file, "job", 33), enter(t, file, "job", 34)); err != nil {
		t.Fatal(err)
	}
	file.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole[:len(whole)-1] {
		damaged := append([]byte{}, whole...)
		damaged[at] ^= 0x04
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if file, err := httpguard.OpenFile(path); err == nil {
			file.Close()
			t.Errorf("a file whose byte %d (%q) was changed was opened", at, whole[at])
		}
	}
}

func TestOneProcessUsesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	openFile(t, path)
	if _, err := httpguard.OpenFile(path); err == nil {
		t.Error("the file was opened twice")
	}
}

// The file does not grow with the number of holders.
func TestAFileIsWrittenAnewWhenItHasManyLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marks")
	var content strings.Builder
	file := openFile(t, path)
	if err := enter(t, file, "job", 1); err != nil {
		t.Fatal(err)
	}
	file.Close()
	line, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		content.Write(line)
	}
	if err := os.WriteFile(path, []byte(content.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	file = openFile(t, path)
	for i := range 5 {
		if err := enter(t, file, fmt.Sprintf("job %d", i), 2); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 1000 {
		t.Errorf("the file has %d bytes: %v", info.Size(), err)
	}
	if err := enter(t, file, "job 3", 1); !errors.Is(err, guard.ErrStale) {
		t.Errorf("after it was written anew: %v", err)
	}
}
