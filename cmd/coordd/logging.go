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
	handlerOptions := &slog.HandlerOptions{Level: level}
	if l.format.Value == "json" {
		return slog.New(slog.NewJSONHandler(to, handlerOptions)), nil
	}
	return slog.New(slog.NewTextHandler(to, handlerOptions)), nil
}
