package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/coordd/coordd/transport/resp/wire"
)

// maxLineBytes bounds a line at the prompt or in a pipe; the largest value that a node takes, written with an escape for every byte, fits.
const maxLineBytes = 512 << 10

// converse is the prompt: it reads a line, runs it, shows the reply, until the end of input, "exit", or the end of ctx.
func (s *cliSession) converse(ctx context.Context) error {
	// Connecting first lets the prompt name who answers, and tells at once when nobody does.
	if _, err := s.exchange(ctx, []string{"PING"}); err != nil {
		return err
	}
	s.prompt()
	for line, err := range lines(ctx, s.around.stdin) {
		var arguments []string
		if err == nil {
			arguments, err = splitLine(line)
		}
		switch {
		case err != nil:
			fmt.Fprintln(s.around.stdout, err)
		case len(arguments) == 0:
		case strings.EqualFold(arguments[0], "exit") || strings.EqualFold(arguments[0], "quit"):
			return nil
		default:
			s.answer(ctx, arguments)
		}
		s.prompt()
	}
	fmt.Fprintln(s.around.stdout)
	return nil
}

// answer runs one line of the prompt. Failures are told and the prompt goes on; the next line connects anew if need be.
func (s *cliSession) answer(ctx context.Context, arguments []string) {
	reply, err := s.exchange(ctx, arguments)
	if err != nil {
		fmt.Fprintf(s.around.stderr, "coordd: %v\n", err)
		return
	}
	if reply.Err() == nil && strings.EqualFold(arguments[0], "SELECT") && len(arguments) == 2 {
		// A later connection must find the same database again.
		_ = s.database.Set(arguments[1])
	}
	_ = s.show(reply)
}

func (s *cliSession) prompt() {
	where := "not connected"
	if s.conn != nil {
		where = s.conn.Endpoint()
	}
	if s.database.Value != 0 {
		where += fmt.Sprintf("[%d]", s.database.Value)
	}
	fmt.Fprintf(s.around.stdout, "%s> ", where)
}

// lines yields the lines of a stream until it or ctx ends, and last, if reading failed, the reason. The goroutine that reads may outlive ctx by
// one blocked read, since a terminal cannot be interrupted; it then ends with the process.
func lines(ctx context.Context, from io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		read := make(chan string)
		stopped := make(chan struct{})
		defer close(stopped)
		scanner := bufio.NewScanner(from)
		scanner.Buffer(nil, maxLineBytes)
		go func() {
			defer close(read)
			for scanner.Scan() {
				select {
				case read <- scanner.Text():
				case <-stopped:
					return
				}
			}
		}()
		for {
			select {
			case line, open := <-read:
				if open && yield(line, nil) {
					continue
				}
				if !open && scanner.Err() != nil {
					yield("", fmt.Errorf("the input cannot be read on: %w", scanner.Err()))
				}
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

var errUnbalanced = errors.New("unbalanced quotes; close each \" or ' and put a blank after it")

// splitLine splits a line into arguments by Redis' rules for inline commands, which the codec knows.
func splitLine(line string) ([]string, error) {
	if strings.TrimSpace(line) == "" {
		return nil, nil
	}
	// The blank in front keeps a line that begins with * from being read as the length of an array.
	requests := wire.NewRequests(strings.NewReader(" "+line+"\r\n"), wire.RequestLimits{InlineBytes: maxLineBytes + 16})
	for {
		request, err := requests.Next()
		if err == nil {
			arguments := make([]string, len(request))
			for i, argument := range request {
				arguments[i] = string(argument)
			}
			return arguments, nil
		}
		if !errors.Is(err, wire.ErrIncomplete) {
			return nil, errUnbalanced
		}
		if err := requests.Fill(); err != nil {
			return nil, nil
		}
	}
}
