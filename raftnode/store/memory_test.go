package store

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"
)

func TestMemoryForgetsWhatWasNotSynced(t *testing.T) {
	disk := NewMemory()
	stores, err := disk.Open(Options{OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := stores.Log.StoreLogs(entriesFrom(1, 3)); err != nil {
		t.Fatal(err)
	}
	disk.SetCareless(true)
	if err := stores.Log.StoreLogs(entriesFrom(4, 6)); err != nil {
		t.Fatal(err)
	}
	if last, _ := stores.Log.LastIndex(); last != 6 {
		t.Fatalf("last index %d before the crash", last)
	}
	disk.Crash()
	if err := stores.Stable.Set([]byte("k"), nil); !errors.Is(err, ErrCrashed) {
		t.Fatalf("a write after the crash: %v", err)
	}
	if stores, err = disk.Open(Options{OnFatal: unexpected(t)}); err != nil {
		t.Fatal(err)
	}
	if last, _ := stores.Log.LastIndex(); last != 3 {
		t.Fatalf("last index %d after the crash", last)
	}
}

func TestNothingWrittenAfterThePowerFailedIsThereAfterTheCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := NewMemory()
		stores, err := disk.Open(Options{OnFatal: unexpected(t)})
		if err != nil {
			t.Fatal(err)
		}
		must(t, stores.Stable.SetUint64([]byte("CurrentTerm"), 1))
		disk.SetSyncDelay(time.Hour)
		underWay := make(chan error)
		go func() { underWay <- stores.Stable.SetUint64([]byte("CurrentTerm"), 2) }()
		time.Sleep(time.Second)
		start := time.Now()
		disk.PowerOff()
		must(t, <-underWay)
		must(t, stores.Stable.SetUint64([]byte("CurrentTerm"), 3))
		if took := time.Since(start); took > 0 {
			t.Errorf("writes on a disk without power took %s", took)
		}
		disk.Crash()
		disk.SetSyncDelay(0)
		if stores, err = disk.Open(Options{OnFatal: unexpected(t)}); err != nil {
			t.Fatal(err)
		}
		if term, err := stores.CurrentTerm(); term != 1 || err != nil {
			t.Errorf("the disk has term %d, %v; only the first was synced", term, err)
		}
	})
}

// hangingWrite opens stores on a disk that takes long, and lets a write of term 2 hang there for a second.
func hangingWrite(t *testing.T, delay time.Duration) (disk *Memory, stores *Stores, ended <-chan error) {
	t.Helper()
	disk = NewMemory()
	stores, err := disk.Open(Options{OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	disk.SetSyncDelay(delay)
	write := make(chan error, 1)
	go func() { write <- stores.Stable.SetUint64([]byte("CurrentTerm"), 2) }()
	time.Sleep(time.Second)
	return disk, stores, write
}

// Raft panics when its term cannot be written, and it may be writing it when a node gives up waiting for its end.
func TestClosingWaitsForTheWriteUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, stores, ended := hangingWrite(t, time.Minute)
		start := time.Now()
		must(t, stores.Close())
		if took := time.Since(start); took != 59*time.Second {
			t.Errorf("closing took %s, want the rest of the minute that the write takes", took)
		}
		must(t, <-ended)
		if err := stores.Stable.SetUint64([]byte("CurrentTerm"), 3); !errors.Is(err, ErrCrashed) {
			t.Errorf("a write after closing: %v", err)
		}
		again, err := disk.Open(Options{OnFatal: unexpected(t)})
		if err != nil {
			t.Fatal(err)
		}
		if term, err := again.CurrentTerm(); term != 2 || err != nil {
			t.Errorf("the disk has term %d, %v", term, err)
		}
		must(t, again.Close())
	})
}

// The crash of a disk lets nobody wait for it.
func TestClosingEndsWhenTheDiskCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, stores, ended := hangingWrite(t, time.Hour)
		time.AfterFunc(time.Second, disk.Crash)
		must(t, stores.Close())
		if err := <-ended; !errors.Is(err, ErrCrashed) {
			t.Errorf("the write ended with %v", err)
		}
	})
}

// The files in which terms and votes lie do the same, whatever the log store: it is what Memory is like.
func TestAFileIsClosedAfterTheWriteUnderWay(t *testing.T) {
	file, err := bbolt.Open(filepath.Join(t.TempDir(), "file.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	write, err := file.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- file.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("it was closed beside a write, %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	must(t, write.Commit())
	must(t, <-closed)
}

func TestAHangingWriteEndsWhenTheDiskGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := NewMemory()
		stores, err := disk.Open(Options{OnFatal: unexpected(t)})
		if err != nil {
			t.Fatal(err)
		}
		disk.SetSyncDelay(time.Hour)
		time.AfterFunc(time.Second, func() { disk.SetSyncDelay(0) })
		start := time.Now()
		must(t, stores.Stable.SetUint64([]byte("CurrentTerm"), 2))
		if took := time.Since(start); took != time.Second {
			t.Errorf("the write took %s", took)
		}
		must(t, stores.Close())
	})
}
