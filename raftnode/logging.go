package raftnode

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// hclog makes a logger of the kind that Raft and gossip want, which writes to the node's slog.Logger, at Info and above.
func (n *Node) hclog(name string) hclog.Logger {
	logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: name, Level: hclog.Off, Output: io.Discard})
	logger.RegisterSink(&slogSink{n.log.With("part", name)})
	return logger
}

// slogSink hands hclog's lines to slog.
type slogSink struct{ logger *slog.Logger }

// Accept implements hclog.SinkAdapter.
func (s *slogSink) Accept(_ string, level hclog.Level, message string, arguments ...any) {
	if level < hclog.Info {
		return
	}
	s.logger.Log(context.Background(), slogLevel(level), message, printable(arguments)...)
}

// printable replaces hclog's formatted values by their text.
func printable(arguments []any) []any {
	for i, argument := range arguments {
		if format, ok := argument.(hclog.Format); ok && len(format) > 0 {
			if pattern, ok := format[0].(string); ok {
				arguments[i] = fmt.Sprintf(pattern, format[1:]...)
			}
		}
	}
	return arguments
}

func slogLevel(level hclog.Level) slog.Level {
	switch level {
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Error:
		return slog.LevelError
	}
	return slog.LevelInfo
}
