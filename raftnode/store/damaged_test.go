package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

// A log whose end was torn off, or lost to zeros, at whatever place, or that has other bytes somewhere, is read as it was stored, or not at all; and whoever reads it is told that it is damaged.
func TestATornFileIsSaidToBeDamaged(t *testing.T) {
	const last = 300
	whole := filepath.Join(t.TempDir(), "raft")
	stores, err := Open(Options{Dir: whole, Kind: Bolt, OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := stores.Log.StoreLogs(entriesFrom(1, last)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(stores.Stable.SetUint64([]byte("CurrentTerm"), 7), stores.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(whole, boltFile))
	if err != nil {
		t.Fatal(err)
	}
	end := len(bytes.TrimRight(content, "\x00"))
	told := 0
	for left := end - 14; left > 0; left -= 3100 {
		for how, torn := range map[string][]byte{"cut": content[:left], "zeros": append(bytes.Clone(content[:left]), make([]byte, len(content)-left)...), "changed": changed(content, end, uint64(left))} {
			dir := t.TempDir()
			path := filepath.Join(dir, boltFile)
			if err := os.WriteFile(path, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			for who, read := range map[string]func(dir string, last uint64) error{"a reader": readAll, "a node": openAll} {
				err := read(dir, last)
				var damaged *DamagedFileError
				switch {
				case errors.As(err, &damaged) && (damaged.Path != path || !strings.Contains(err.Error(), path)):
					t.Errorf("%s, %d of %d bytes left (%s): the damaged file is said to be %s: %v", who, left, end, how, damaged.Path, err)
				case IsDamage(err):
					told++
				case err != nil && !strings.Contains(err.Error(), path):
					t.Errorf("%s, %d of %d bytes left (%s): %v", who, left, end, how, err)
				}
			}
		}
	}
	if told == 0 {
		t.Error("nobody was told of a damaged file")
	}
}

// changed puts other bytes into one place, chosen by the seed.
func changed(content []byte, end int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 0))
	spoiled := bytes.Clone(content)
	for at, last := random.IntN(end), 1+random.IntN(16); last > 0 && at < end; at, last = at+1, last-1 {
		spoiled[at] = byte(random.IntN(256))
	}
	return spoiled
}

// readAll reads what TestATornFileIsSaidToBeDamaged stored as a tool does. What it gives back as an entry must be one.
func readAll(dir string, last uint64) error {
	reader, err := OpenReadOnly(dir)
	if err != nil {
		return err
	}
	defer reader.Close()
	first, found, err := reader.Bounds()
	if err != nil {
		return err
	}
	if first != 1 || found != last {
		_, atFirst := reader.Entry(first)
		_, atLast := reader.Entry(found)
		return errors.Join(atFirst, atLast, fmt.Errorf("the log goes from %d to %d", first, found))
	}
	for index := range last {
		entry, err := reader.Entry(index + 1)
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("entry %d", index+1); string(entry.Data) != want {
			return fmt.Errorf("entry %d is read as %q", index+1, entry.Data)
		}
	}
	if vote, err := reader.Vote(); err != nil || vote.CurrentTerm != 7 {
		return errors.Join(err, fmt.Errorf("the term is read as %d", vote.CurrentTerm))
	}
	return nil
}

// openAll reads it as a node does.
func openAll(dir string, last uint64) error {
	stores, err := Open(Options{Dir: dir, OnFatal: func(error) {}})
	if err != nil {
		return err
	}
	defer stores.Close()
	found, err := stores.Log.LastIndex()
	if err != nil {
		return err
	}
	if found != last {
		return errors.Join(stores.Log.GetLog(found, &raft.Log{}), fmt.Errorf("the log goes to %d", found))
	}
	for index := range last {
		entry := &raft.Log{}
		if err := stores.Log.GetLog(index+1, entry); err != nil {
			return err
		}
		if want := fmt.Sprintf("entry %d", index+1); string(entry.Data) != want {
			return fmt.Errorf("entry %d is read as %q", index+1, entry.Data)
		}
	}
	if term, err := stores.Stable.GetUint64([]byte("CurrentTerm")); err != nil || term != 7 {
		return errors.Join(err, fmt.Errorf("the term is read as %d", term))
	}
	return nil
}
