package httpguard

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/coordd/coordd/client/guard"
)

// File keeps marks in a file, for one process. Each new mark is on the disk before its request is let in.
type File struct {
	Memory
	path  string
	file  *os.File
	lock  *os.File
	lines int   // in the file
	fault error // after which nothing more is believed to be on the disk
}

// compactFrom is how many lines a file may have before it is written anew with one line for each lock.
const compactFrom = 4096

// maxFileBytes bounds what is read: every lock with a long name, several times over.
const maxFileBytes = 1 << 30

// OpenFile opens or creates the file of marks, and a file beside it (PATH.lock) that keeps other processes away where the system has such locks. A last line that was not written to its end is dropped: its request was
// never let in. Any other damage is an error, since going on would forget marks.
func OpenFile(path string) (*File, error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	f := &File{path: path, lock: lock}
	f.gates, f.maxLocks, f.remember = map[string]*gate{}, DefaultMaxLocks, f.write
	if err := f.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return f, nil
}

// Close closes the files. Requests must have left before.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = os.ErrClosed
	return errors.Join(f.file.Close(), f.lock.Close())
}

func (f *File) load() error {
	info, err := os.Stat(f.path)
	if err == nil && info.Size() > maxFileBytes {
		return fmt.Errorf("marks file %s has %d bytes; that is no file of marks", f.path, info.Size())
	}
	content, err := os.ReadFile(f.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the marks: %w", err)
	}
	number := 0
	for len(content) > 0 {
		line, rest, ended := bytes.Cut(content, []byte("\n"))
		if !ended {
			break // the process ended while it wrote this
		}
		number++
		fence, err := parseLine(string(line))
		if err != nil {
			return fmt.Errorf("marks file %s, line %d: %w; restore it from a copy, or remove it when no holder of an older token is left", f.path, number, err)
		}
		if g, found := f.gates[fence.Lock()]; !found || g.newest < fence.Token() {
			f.gates[fence.Lock()] = &gate{newest: fence.Token()}
		}
		content = rest
	}
	return f.compact()
}

// write makes a mark durable. After a fault nothing is known of the file's end, so nothing more is accepted.
func (f *File) write(fence guard.Fence) error {
	if f.fault != nil {
		return fmt.Errorf("marks file %s cannot be used any more: %w", f.path, f.fault)
	}
	if f.lines >= max(compactFrom, 4*len(f.gates)) {
		if f.fault = f.compact(); f.fault != nil {
			return f.fault
		}
	}
	_, err := f.file.WriteString(formatLine(fence))
	if err = errors.Join(err, f.file.Sync()); err != nil {
		f.fault = err
		return fmt.Errorf("writing a mark: %w", err)
	}
	f.lines++
	return nil
}

// compact writes the file anew, with one line for each lock, and puts it into the old one's place.
func (f *File) compact() error {
	fresh, err := os.OpenFile(f.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the marks: %w", err)
	}
	var content bytes.Buffer
	for lock, g := range f.gates {
		fence, err := guard.New(lock, g.newest)
		if err != nil {
			return errors.Join(err, fresh.Close())
		}
		content.WriteString(formatLine(fence))
	}
	_, err = fresh.Write(content.Bytes())
	if err = errors.Join(err, fresh.Sync()); err == nil {
		err = os.Rename(f.path+".new", f.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(f.path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the marks: %w", err), fresh.Close())
	}
	if f.file != nil {
		_ = f.file.Close() // replaced; everything in it was synced
	}
	f.file, f.lines = fresh, len(f.gates)
	return nil
}

// formatLine is a checksum of the rest, the token and the lock's name.
func formatLine(fence guard.Fence) string {
	rest := fence.TokenText() + " " + strconv.QuoteToASCII(fence.Lock())
	return fmt.Sprintf("%08x %s\n", crc32.ChecksumIEEE([]byte(rest)), rest)
}

func parseLine(line string) (guard.Fence, error) {
	sum, rest, _ := strings.Cut(line, " ")
	if fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(rest))) != sum {
		return guard.Fence{}, errors.New("the line is damaged")
	}
	token, quoted, _ := strings.Cut(rest, " ")
	lock, err := strconv.Unquote(quoted)
	if err != nil {
		return guard.Fence{}, fmt.Errorf("the lock's name cannot be read: %w", err)
	}
	return guard.Parse(lock, token)
}

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
