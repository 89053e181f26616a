package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ringbench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("ringbench", flag.ContinueOnError)
	docs := flags.String("docs", filepath.Join("..", "docs"), "folder for ring.md and ring.svg")
	from := flags.String("from", "", "draw what an earlier run measured, from its JSON file, instead of measuring")
	to := flags.String("json", "", "also write what was measured to this JSON file")
	keys := flags.Int("keys", 1_000_000, "keys for balance and movement, at least 65536")
	rounds := flags.Int("rounds", 7, "rounds of time measurements; the median counts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *keys < distinctKeys || *rounds < 1 || flags.NArg() > 0 {
		return fmt.Errorf("at least %d keys, one round and no further arguments", distinctKeys)
	}
	result := &report{}
	if *from != "" {
		data, err := os.ReadFile(*from)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, result); err != nil {
			return fmt.Errorf("%s: %w", *from, err)
		}
	} else {
		result = measure(plan{keys: *keys, rounds: *rounds}, func(doing string) { fmt.Fprintln(os.Stderr, doing) })
	}
	if *to != "" {
		data, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*to, data, 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(*docs, "ring.svg"), []byte(plot(result)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*docs, "ring.md"), []byte(page(result)), 0o644)
}
