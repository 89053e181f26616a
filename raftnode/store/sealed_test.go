package store

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
)

// openIn opens the stores in a directory.
func openIn(t *testing.T, dir string, alarms chan error) *Stores {
	t.Helper()
	stores, err := Open(Options{Dir: dir, OnFatal: func(err error) { alarms <- err }})
	if err != nil {
		t.Fatal(err)
	}
	return stores
}

// spoil stores an entry, lets something happen to it behind the stores' back, and opens them again.
func spoil(t *testing.T, entry *raft.Log, harm func(*raft.Log), alarms chan error) *Stores {
	t.Helper()
	dir := t.TempDir()
	stores := openIn(t, dir, alarms)
	if err := errors.Join(stores.Log.StoreLog(entry), stores.Close()); err != nil {
		t.Fatal(err)
	}
	raw, err := openBolt(filepath.Join(dir, boltFile), false)
	if err != nil {
		t.Fatal(err)
	}
	stored := &raft.Log{}
	if err := raw.GetLog(entry.Index, stored); err != nil {
		t.Fatal(err)
	}
	harm(stored)
	if err := errors.Join(raw.StoreLog(stored), raw.Close()); err != nil {
		t.Fatal(err)
	}
	stores = openIn(t, dir, alarms)
	t.Cleanup(func() { _ = stores.Close() })
	return stores
}

func held() *raft.Log {
	return &raft.Log{Index: 1, Term: 7, Type: raft.LogCommand, Data: []byte("lock/a is held")}
}

func TestAnEntryOfWhichABitTurnedIsRefused(t *testing.T) {
	for what, turn := range map[string]func(*raft.Log){
		"its data":       func(l *raft.Log) { l.Data[3] ^= 0x10 },
		"its term":       func(l *raft.Log) { l.Term ^= 1 << 20 },
		"its type":       func(l *raft.Log) { l.Type ^= 1 },
		"its checksum":   func(l *raft.Log) { l.Extensions[6] ^= 1 },
		"its end is cut": func(l *raft.Log) { l.Data = l.Data[:4] },
	} {
		alarms := make(chan error, 1)
		stores := spoil(t, held(), turn, alarms)
		entry := &raft.Log{}
		var damage *DamagedError
		if err := stores.Log.GetLog(1, entry); !errors.As(err, &damage) || damage.Index != 1 {
			t.Errorf("%s: a damaged entry was read as %+v, %v", what, entry, err)
			continue
		}
		if alarm := <-alarms; !errors.As(alarm, &damage) {
			t.Errorf("%s: the alarm says %v", what, alarm)
		}
	}
}

func TestSoundEntriesAndThoseWithoutASealAreRead(t *testing.T) {
	for what, change := range map[string]func(*raft.Log){
		"a sound entry":                  func(*raft.Log) {},
		"an entry of an older version":   func(l *raft.Log) { l.Extensions = nil },
		"an entry whose mark lost a bit": func(l *raft.Log) { l.Extensions[0] ^= 1 },
	} {
		entry := &raft.Log{}
		if err := spoil(t, held(), change, make(chan error, 1)).Log.GetLog(1, entry); err != nil || string(entry.Data) != "lock/a is held" || entry.Term != 7 {
			t.Errorf("%s: %+v, %v", what, entry, err)
		}
	}
}

func TestASealStaysBelowRaft(t *testing.T) {
	entry := held()
	stores := spoil(t, entry, func(*raft.Log) {}, make(chan error, 1))
	read := &raft.Log{}
	if err := stores.Log.GetLog(1, read); err != nil || entry.Extensions != nil || read.Extensions != nil {
		t.Errorf("Raft would send the seal to others: stored %q, read %q, %v", entry.Extensions, read.Extensions, err)
	}
}
