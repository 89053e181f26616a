package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/coordd/coordd/cmd/coordd/internal/table"
	"github.com/coordd/coordd/transport"
)

// paints reports whether tables may use colours: on a terminal, unless NO_COLOR is set.
func paints(around *surroundings) bool {
	return around.getenv("NO_COLOR") == "" && isTerminal(around.stdout)
}

func writeIndented(around *surroundings, value any) error {
	encoder := json.NewEncoder(around.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func number[N int | uint64](n N) table.Cell { return table.Plain(fmt.Sprint(n)) }

func roleCell(role transport.Role) table.Cell {
	switch role {
	case transport.RoleLeader:
		return table.Good(string(role))
	case transport.RoleFollower:
		return table.Plain(string(role))
	}
	return table.Bad(string(role))
}

func readyCell(ready bool) table.Cell {
	if ready {
		return table.Plain("yes")
	}
	return table.Bad("no")
}

// short is the part of an id that tells nodes of one cluster apart; --json shows all of it.
func short(id string) string {
	const enough = 8
	if len(id) == 36 && id[enough] == '-' {
		return id[:enough]
	}
	return id
}

// age writes a time since in its two largest units.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}
