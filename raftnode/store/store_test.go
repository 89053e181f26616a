package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// unexpected is an OnFatal for tests in which nothing may hang or fail.
func unexpected(t *testing.T) func(error) {
	return func(err error) { t.Errorf("the watchdog barked: %v", err) }
}

func entriesFrom(first, last uint64) []*raft.Log {
	var logs []*raft.Log
	for index := first; index <= last; index++ {
		logs = append(logs, &raft.Log{Index: index, Term: 1, Data: fmt.Appendf(nil, "entry %d", index)})
	}
	return logs
}

func TestStoresKeepWhatTheyWereGiven(t *testing.T) {
	for _, kind := range []Kind{Bolt, WAL} {
		t.Run(string(kind), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "raft")
			options := Options{Dir: dir, Kind: kind, OnFatal: unexpected(t)}
			stores, err := Open(options)
			if err != nil {
				t.Fatal(err)
			}
			if has, err := stores.HasState(); has || err != nil {
				t.Fatalf("new stores have state: %v, %v", has, err)
			}
			configuration := raft.Configuration{Servers: []raft.Server{{ID: "id-a", Address: "a:1"}}}
			for range 2 {
				if err := stores.Bootstrap(configuration); err != nil {
					t.Fatal(err)
				}
			}
			if err := stores.Log.StoreLogs(entriesFrom(2, 20)); err != nil {
				t.Fatal(err)
			}
			if err := stores.Stable.SetUint64([]byte("LastVoteTerm"), 3); err != nil {
				t.Fatal(err)
			}
			if err := stores.Stable.Set([]byte("LastVoteCand"), []byte("id-b@b:1")); err != nil {
				t.Fatal(err)
			}
			writeSnapshot(t, stores, "state at ten", 10)
			if err := stores.Close(); err != nil {
				t.Fatal(err)
			}
			modes(t, dir)
			checkReader(t, dir)

			stores, err = Open(Options{Dir: dir, OnFatal: unexpected(t)})
			if err != nil {
				t.Fatalf("opening again without a kind: %v", err)
			}
			defer stores.Close()
			if last, err := stores.Log.LastIndex(); last != 20 || err != nil {
				t.Fatalf("last index %d, %v", last, err)
			}
			monotonic, ok := stores.Log.(raft.MonotonicLogStore)
			if !ok || !monotonic.IsMonotonic() {
				t.Fatalf("the log of kind %s says of gaps: %v", kind, ok && monotonic.IsMonotonic())
			}
			other := map[Kind]Kind{Bolt: WAL, WAL: Bolt}[kind]
			if _, err := Open(Options{Dir: dir, Kind: other, OnFatal: unexpected(t)}); err == nil || !strings.Contains(err.Error(), "--log-store="+string(kind)) {
				t.Fatalf("opening as another kind: %v", err)
			}
			if _, err := OpenReadOnly(dir); err == nil || !strings.Contains(err.Error(), "in use by another process") {
				t.Fatalf("reading beside an open store: %v", err)
			}
		})
	}
}

func writeSnapshot(t *testing.T, stores *Stores, state string, index uint64) {
	t.Helper()
	_, transport := raft.NewInmemTransport("a:1")
	configuration := raft.Configuration{Servers: []raft.Server{{ID: "id-a", Address: "a:1"}}}
	sink, err := stores.Snapshots.Create(1, index, 1, configuration, 1, transport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(sink, state); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// modes checks that nobody but the owner can read the stores.
func modes(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"", snapshotDir} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: mode %v, %v", name, info.Mode().Perm(), err)
		}
	}
}

// checkReader reads the stores of TestStoresKeepWhatTheyWereGiven while nobody uses them.
func checkReader(t *testing.T, dir string) {
	t.Helper()
	reader, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if first, last, err := reader.Bounds(); first != 1 || last != 20 || err != nil {
		t.Fatalf("bounds %d to %d, %v", first, last, err)
	}
	if entry, err := reader.Entry(7); err != nil || string(entry.Data) != "entry 7" {
		t.Fatalf("entry 7: %+v, %v", entry, err)
	}
	if _, err := reader.Entry(21); !errors.Is(err, raft.ErrLogNotFound) {
		t.Fatalf("entry 21: %v", err)
	}
	if vote, err := reader.Vote(); err != nil || vote != (Vote{CurrentTerm: 1, VotedTerm: 3, VotedFor: "id-b@b:1"}) {
		t.Fatalf("vote %+v, %v", vote, err)
	}
	snapshots, err := reader.Snapshots()
	if err != nil || len(snapshots) != 1 || snapshots[0].Index != 10 {
		t.Fatalf("snapshots %+v, %v", snapshots, err)
	}
	_, state, err := reader.OpenSnapshot(snapshots[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	if text, err := io.ReadAll(state); err != nil || string(text) != "state at ten" {
		t.Fatalf("state %q, %v", text, err)
	}
}

func TestReaderFindsDamage(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenReadOnly(dir); err == nil || !strings.Contains(err.Error(), "holds no log") {
		t.Fatalf("an empty directory: %v", err)
	}
	stores, err := Open(Options{Dir: dir, OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	writeSnapshot(t, stores, "state", 5)
	if err := stores.Close(); err != nil {
		t.Fatal(err)
	}
	reader, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	snapshots, err := reader.Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, snapshotDir, snapshots[0].ID, "state.bin")
	if err := os.WriteFile(path, []byte("stale"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader.OpenSnapshot(snapshots[0].ID); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("a damaged snapshot: %v", err)
	}
	if _, _, err := reader.OpenSnapshot("../" + snapshots[0].ID); err == nil {
		t.Fatal("a snapshot id led out of the directory")
	}
}

func TestBootstrapMayBeRepeatedAfterACrashInItsMiddle(t *testing.T) {
	disk := NewMemory()
	stores, err := disk.Open(Options{OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := stores.Stable.SetUint64([]byte("CurrentTerm"), 1); err != nil {
		t.Fatal(err)
	}
	disk.Crash()
	if stores, err = disk.Open(Options{OnFatal: unexpected(t)}); err != nil {
		t.Fatal(err)
	}
	configuration := raft.Configuration{Servers: []raft.Server{{ID: "id-a", Address: "a:1"}}}
	if err := stores.Bootstrap(configuration); err != nil {
		t.Fatal(err)
	}
	var first raft.Log
	if err := stores.Log.GetLog(1, &first); err != nil || first.Type != raft.LogConfiguration ||
		!bytes.Equal(first.Data, raft.EncodeConfiguration(configuration)) {
		t.Fatalf("first entry %+v, %v", first, err)
	}
}

func TestWatchdogBarksAtAHangingWrite(t *testing.T) {
	disk := NewMemory()
	barked := make(chan error, 2)
	stores, err := disk.Open(Options{OnFatal: func(err error) { barked <- err }})
	if err != nil {
		t.Fatal(err)
	}
	stores.SetWriteLimit(20 * time.Millisecond)
	disk.SetSyncDelay(time.Hour)
	finished := make(chan error, 1)
	go func() { finished <- stores.Log.StoreLogs(entriesFrom(1, 1)) }()
	if err := <-barked; !strings.Contains(err.Error(), "hanging for 20ms") {
		t.Fatalf("barked: %v", err)
	}
	disk.Crash()
	if err := <-finished; err == nil || !strings.Contains(err.Error(), ErrCrashed.Error()) {
		t.Fatalf("the write ended with %v", err)
	}
	if len(barked) != 0 {
		t.Fatal("the watchdog barked twice")
	}
}

// A stall of all disks together must not end the followers too: the leader's end is enough for another to lead, and the majority is needed for that.
func TestWatchdogGivesFollowersMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := NewMemory()
		barked := make(chan error, 2)
		stores, err := disk.Open(Options{OnFatal: func(err error) { barked <- err }})
		if err != nil {
			t.Fatal(err)
		}
		stores.SetWriteLimit(600 * time.Millisecond)
		var leads atomic.Bool
		stores.SetLeads(leads.Load)
		disk.SetSyncDelay(FollowerWriteLimit - time.Millisecond)
		if err := stores.Log.StoreLogs(entriesFrom(1, 1)); err != nil || len(barked) != 0 {
			t.Fatalf("a follower waited for its disk for less than %v: %v, %d alarms", FollowerWriteLimit, err, len(barked))
		}
		leads.Store(true)
		begun := time.Now()
		if err := stores.Log.StoreLogs(entriesFrom(2, 2)); err != nil {
			t.Fatal(err)
		}
		if err := <-barked; !strings.Contains(err.Error(), "hanging for 600ms") {
			t.Fatalf("a leader's watchdog barked: %v", err)
		}
		if took := time.Since(begun); took < 600*time.Millisecond {
			t.Fatalf("after %v", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		disk := NewMemory()
		barked := make(chan error, 2)
		stores, err := disk.Open(Options{OnFatal: func(err error) { barked <- err }})
		if err != nil {
			t.Fatal(err)
		}
		stores.SetLeads(func() bool { return false })
		disk.SetSyncDelay(FollowerWriteLimit + time.Millisecond)
		_ = stores.Log.StoreLogs(entriesFrom(1, 1))
		if err := <-barked; !strings.Contains(err.Error(), "hanging for 10s") {
			t.Fatalf("a follower's watchdog barked: %v", err)
		}
	})
}

func TestWatchdogBarksAtAFailedWrite(t *testing.T) {
	disk := NewMemory()
	barked := make(chan error, 1)
	stores, err := disk.Open(Options{OnFatal: func(err error) { barked <- err }})
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	disk.SetWriteError(full)
	if err := stores.Log.StoreLog(entriesFrom(1, 1)[0]); err == nil || !strings.Contains(err.Error(), full.Error()) {
		t.Fatalf("the write ended with %v", err)
	}
	if err := <-barked; !errors.Is(err, full) {
		t.Fatalf("barked: %v", err)
	}
}
