package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// Writer writes events as lines. Its methods may be called from many goroutines.
type Writer struct {
	mu sync.Mutex
	to io.Writer
}

// NewWriter writes to w, one Write call for each line.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w} }

// Write writes one event. An event without an instant gets the present one, taken under the writer's lock.
func (w *Writer) Write(event Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if event.At == 0 {
		event.At = Now()
	}
	line, err := json.Marshal(event)
	if err != nil {
		return err
	}
	_, err = w.to.Write(append(line, '\n'))
	return err
}

const maxLine = 1 << 20

// Read reads lines. A last line that is cut short, as a killed process leaves it, is left out.
func Read(r io.Reader) ([]Event, error) {
	var events []Event
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), maxLine)
	var broken error
	for scanner.Scan() {
		if broken != nil {
			return nil, broken // it was not the last one
		}
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		var event Event
		if err := json.Unmarshal(text, &event); err != nil {
			broken = fmt.Errorf("line %d of the history is no event: %w: %.120s", len(events)+1, err, text)
			continue
		}
		events = append(events, event)
	}
	return events, scanner.Err()
}

// ReadFile reads the history of a file, in the order of the instants; lines of one process keep their order.
func ReadFile(path string) ([]Event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	events, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	Sort(events)
	return events, nil
}

// Sort orders events by their instants and keeps the order of those at the same instant.
func Sort(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
}
