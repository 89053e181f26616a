//go:build linux

package disk

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func newDisk(t *testing.T) *Disk {
	t.Helper()
	if missing := Missing(); missing != "" {
		t.Skip(missing)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "mounted")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := New(path, filepath.Join(folder, "image"), 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func write(t *testing.T, path, text string, sync bool) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString(text)
	if sync {
		err = errors.Join(err, file.Sync())
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestPowerLossForgetsWhatWasNotSynced(t *testing.T) {
	d := newDisk(t)
	write(t, filepath.Join(d.Path, "synced"), "kept", true)
	write(t, filepath.Join(d.Path, "careless"), "lost", false)
	if err := d.PowerLoss(); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(filepath.Join(d.Path, "synced")); err != nil || string(kept) != "kept" {
		t.Errorf("synced: %q, %v", kept, err)
	}
	if lost, err := os.ReadFile(filepath.Join(d.Path, "careless")); err == nil && len(lost) > 0 {
		t.Errorf("not synced, and there: %q", lost)
	}
}

func TestABrokenDiskFailsAndIsRepaired(t *testing.T) {
	d := newDisk(t)
	if err := d.Break(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path, "a"), []byte("x"), 0o644); !errors.Is(err, syscall.EIO) {
		t.Errorf("a write to a broken disk: %v, want an I/O error", err)
	}
	if err := d.Repair(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(d.Path, "a"), "x", true)
}

// Who makes a mount namespace at the same time, as everybody does who works in a network namespace, has a copy of the mount, and with it the broken file system lives on.
func TestADiskIsRepairedThoughAnotherNamespaceHasIt(t *testing.T) {
	d := newDisk(t)
	holder := exec.Command("unshare", "--mount", "sh", "-c", "echo here; exec sleep 1")
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); errors.Is(err, exec.ErrNotFound) {
		t.Skip("no mount namespace can be made here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := d.PowerLoss(); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(d.Path, "a"), "x", true)
	if err := holder.Wait(); err != nil {
		t.Error(err)
	}
}

func TestAFrozenDiskHangs(t *testing.T) {
	d := newDisk(t)
	if err := d.Freeze(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(filepath.Join(d.Path, "a"), []byte("x"), 0o644) }()
	select {
	case err := <-done:
		t.Errorf("a write to a frozen disk ended: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	d.Thaw()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
