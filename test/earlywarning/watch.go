package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coordd/coordd/internal/process"
)

// line is what the watch wrote, and when it arrived.
type line struct {
	NodeID string `json:"node_id"`
	Change string `json:"change"`
	at     time.Time
}

// watch is a running `coordd members --watch --json`.
type watch struct {
	mu    sync.Mutex
	lines []line
	news  chan struct{} // closed at each line, and made anew
}

// startWatch watches the node behind an endpoint.
func startWatch(group *process.Group, binary, endpoint string) (*watch, error) {
	read, write := io.Pipe()
	w := &watch{news: make(chan struct{})}
	if _, err := group.Start(process.Spec{Name: "watch", Path: binary, Args: []string{"members", "--watch", "--json", "--endpoints", endpoint}, Stdout: write}); err != nil {
		return nil, err
	}
	go w.follow(read)
	return w, nil
}

func (w *watch) follow(from io.Reader) {
	scanner := bufio.NewScanner(from)
	for scanner.Scan() {
		l := line{at: time.Now()}
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			l.Change = "unreadable: " + scanner.Text()
		}
		w.mu.Lock()
		w.lines = append(w.lines, l)
		close(w.news)
		w.news = make(chan struct{})
		w.mu.Unlock()
	}
}

// after gives the first line about a node, of one of these changes, that arrived after an instant; it waits for it.
func (w *watch) after(ctx context.Context, since time.Time, node string, changes ...string) (line, error) {
	for {
		w.mu.Lock()
		news := w.news
		for _, l := range w.lines {
			if l.at.After(since) && l.NodeID == node && oneOf(l.Change, changes) {
				w.mu.Unlock()
				return l, nil
			}
		}
		w.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return line{}, fmt.Errorf("the watch does not show that %s is %v: %w", node, changes, context.Cause(ctx))
		}
	}
}

// count is how many lines of a change there are about nodes other than these, after an instant.
func (w *watch) count(change string, since time.Time, except ...string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lines {
		if l.Change == change && l.at.After(since) && !oneOf(l.NodeID, except) {
			n++
		}
	}
	return n
}

func oneOf(text string, list []string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}
