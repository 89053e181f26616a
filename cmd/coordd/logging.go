package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

// logFlags are the flags of what is logged and how. Logs go to stderr always, so that stdout is for answers.
type logFlags struct {
	level  options.Choice
	format options.Choice

	// threshold is what the logger goes by; quieten raises it.
	threshold slog.LevelVar
}

func (l *logFlags) declare(set *options.Set, level string) {
	l.level = options.Choice{Value: level, Of: []string{"debug", "info", "warn", "error"}}
	l.format = options.Choice{Value: "text", Of: []string{"text", "json"}}
	set.Var(&l.level, "log-level", "the least that is logged")
	set.Var(&l.format, "log-format", "how it is logged, to stderr")
}

// logger makes the logger of the whole process.
func (l *logFlags) logger(to io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level.Value)); err != nil {
		return nil, fmt.Errorf("the log level %q: %w", l.level.Value, err)
	}
	l.threshold.Set(level)
	handlerOptions := &slog.HandlerOptions{Level: &l.threshold}
	if l.format.Value == "json" {
		return slog.New(slog.NewJSONHandler(to, handlerOptions)), nil
	}
	return slog.New(slog.NewTextHandler(to, handlerOptions)), nil
}

// quieten ends the logging of everything but the program's own last words, unless more than errors was asked for.
func (l *logFlags) quieten() {
	if l.threshold.Level() == slog.LevelError {
		l.threshold.Set(slog.LevelError + 1)
	}
}
