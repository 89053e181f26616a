package main

import (
	"fmt"
	"strings"
)

// aims are what the ring set out for; the page tells for each whether this run met it.
var aims = []struct {
	text  string
	value func(*report) (string, bool)
}{
	{"A lookup takes at most 1.3 times the bare hash and array read of the same run", func(r *report) (string, bool) {
		worst, text := 0.0, []string{}
		for i := range sizes {
			worst = max(worst, r.Slot[i]/r.Bare[i])
			text = append(text, fmt.Sprintf("%.2f", r.Slot[i]/r.Bare[i]))
		}
		return strings.Join(text, " / ") + " times", worst <= 1.3
	}},
	{"and allocates nothing", func(r *report) (string, bool) {
		return ours(r, 0, func(f figures) float64 { return f.Allocs }, "%.0f", func(_ int, v float64) bool { return v == 0 })
	}},
	{"A leave moves the least that can be", func(r *report) (string, bool) {
		return ours(r, 0, func(f figures) float64 { return f.Left }, "%.2f", func(_ int, v float64) bool { return v == 1 })
	}},
	{"A join moves the least that can be", func(r *report) (string, bool) {
		return ours(r, 0, func(f figures) float64 { return f.Joined }, "%.2f", func(_ int, v float64) bool { return v == 1 })
	}},
	{"The fullest member is at most 1.05 times the mean, with 20 partitions a member or more (P = 20,480)", func(r *report) (string, bool) {
		return ours(r, 1, func(f figures) float64 { return f.Share }, "%.3f", func(_ int, v float64) bool { return v <= 1.05 })
	}},
	{"A change takes at most 100 µs up to 100 members (P = 4,096)", func(r *report) (string, bool) {
		return ours(r, 0, func(f figures) float64 { return float64(f.Rebuild) / 1000 }, "%.0f µs", func(i int, v float64) bool { return sizes[i] > 100 || v <= 100 })
	}},
}

// ours judges one of coordd's contenders at all sizes.
func ours(r *report, contender int, of func(figures) float64, format string, good func(size int, value float64) bool) (string, bool) {
	var text []string
	met := true
	for i, f := range r.Of[contenders[contender].name] {
		text = append(text, fmt.Sprintf(format, of(f)))
		met = met && good(i, of(f))
	}
	return strings.Join(text, " / "), met
}

// page is docs/ring.md.
func page(r *report) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# The ring beside others

Written by %[1]sgo run -C bench ./ringbench%[1]s; do not edit. All contenders had the same %[2]s keys of 16 bytes and the same members and took
turns on one processor of a machine that did little else; times are processor time, medians of their rounds. Compare within this page, and take a few percent as noise.
What the ring does and why is in [ring/DESIGN.md](../ring/DESIGN.md).

![Dot plots of lookup time, time of a change, balance and movement for each contender at 10, 100 and 1,000 members; the tables below have the same figures](ring.svg)

## What was aimed at

At 10 / 100 / 1,000 members:

| aim | measured | |
| --- | --- | --- |
`, "`", grouped(r.Keys))
	for _, aim := range aims {
		value, met := aim.value(r)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", aim.text, value, map[bool]string{true: "met", false: "**missed**"}[met])
	}
	fmt.Fprintf(&b, `
The bare hash and array read took %s ns, a lookup that gives the owner's slot %s ns. The tables below
measure a lookup that gives the owner's id, through one interface for all, which costs everybody the same nanosecond or two.

## Figures

`, joined(r.Bare), joined(r.Slot))
	table := func(title, note, format string, of func(figures) float64) {
		fmt.Fprintf(&b, "%s\n\n| | 10 members | 100 | 1,000 |\n| --- | --- | --- | --- |\n", strings.TrimSpace("**"+title+".** "+note))
		for _, c := range contenders {
			fmt.Fprintf(&b, "| %s |", emphasized(c))
			for _, f := range r.Of[c.name] {
				fmt.Fprintf(&b, " %s |", fmt.Sprintf(format, of(f)))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	table("Lookup, ns", "From a key to the owner's id.", "%.0f", func(f figures) float64 { return f.Nanos })
	table("Lookup, allocations", "", "%.0f", func(f figures) float64 { return f.Allocs })
	table("Change of one member, µs", "The mean of a leave and a join, until lookups answer by the new members.", "%.1f", func(f figures) float64 { return float64(f.Rebuild) / 1000 })
	table("Keys of the fullest member, times the mean", fmt.Sprintf("Where everything else is even, chance alone makes about %.3f / %.3f / %.3f of %s keys.",
		chance(r.Keys, 10), chance(r.Keys, 100), chance(r.Keys, 1000), grouped(r.Keys)), "%.3f", func(f figures) float64 { return f.Fullest })
	table("A member leaves: keys moved, times what it owned", "1.00 is the least that can be.", "%.2f", func(f figures) float64 { return f.Left })
	table("A member joins: keys moved, times what it got", "1.00 is the least that can be. How fair its part is shows the balance above.", "%.2f", func(f figures) float64 { return f.Joined })
	b.WriteString("## Who they are\n\n| | |\n| --- | --- |\n")
	for _, c := range contenders {
		fmt.Fprintf(&b, "| %s | %s |\n", emphasized(c), c.note)
	}
	b.WriteString(`
Rings with points balance by luck, so theirs improves with more points, at the price of slower changes. Rendezvous and jump hash need no table and balance as
well as chance permits; rendezvous pays with a lookup over all members, jump with members that can only come and go at the end. None of them takes the last
assignment into account; that is what makes coordd's ring balanced and least moving at once, and what makes it a table that must be handed on.

At 1,000 members 4,096 partitions are four for each, and some have five: a quarter more than the mean. That is what the rule of twenty partitions a member is for.
`)
	return b.String()
}

func emphasized(c contender) string {
	if c.ours {
		return "**" + c.name + "**"
	}
	return c.name
}

func joined(values []float64) string {
	var text []string
	for _, v := range values {
		text = append(text, fmt.Sprintf("%.1f", v))
	}
	return strings.Join(text, " / ")
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
