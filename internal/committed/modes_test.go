package committed

import (
	"strings"
	"testing"
)

// lines is a log of one entry for each text, with indexes from 1.
func lines(events ...string) string {
	var log strings.Builder
	for i, text := range events {
		log.WriteString(`{"index":` + string(rune('1'+i)) + `,` + text + "}\n")
	}
	return log.String()
}

func began(mode, id, token string) string {
	return `{"type":"began","name":"a","token":` + token + `,"holder":"h` + id + `","waiter":"` + id + `","mode":"` + mode + `"}`
}

func ended(id, token string) string {
	return `{"type":"ended","name":"a","token":` + token + `,"waiter":"` + id + `"}`
}

func asks(id, permits string) string {
	return `"commands":[{"kind":"numbered","command":{"kind":"hold_acquire","permits":` + permits + `,"limit":3},"reply":{"waiter":"` + id + `"}}],`
}

func TestHoldsThatMayStandSideBySide(t *testing.T) {
	for what, log := range map[string]string{
		"readers share a token, and a writer comes after them": lines(`"events":[`+began("shared", "r", "1")+`]`, `"events":[`+began("shared", "s", "1")+`]`,
			`"events":[`+ended("r", "1")+`,`+ended("s", "1")+`,`+began("exclusive", "w", "3")+`]`),
		"all permits": lines(asks("p", "2")+`"events":[`+began("semaphore", "p", "1")+`]`, asks("q", "1")+`"events":[`+began("semaphore", "q", "2")+`]`),
		"permits that are given back and taken again": lines(asks("p", "3")+`"events":[`+began("semaphore", "p", "1")+`]`,
			asks("q", "3")+`"events":[`+ended("p", "1")+`,`+began("semaphore", "q", "2")+`]`),
	} {
		if got := judgeText(t, log).Violations; len(got) > 0 {
			t.Errorf("%s: %q", what, got)
		}
	}
}

func TestHoldsThatMayNotStandSideBySide(t *testing.T) {
	for fault, log := range map[string]string{
		"(token 2, exclusive) while":      lines(`"events":[`+began("shared", "r", "1")+`]`, `"events":[`+began("exclusive", "w", "2")+`]`),
		"(token 2, shared) while":         lines(`"events":[`+began("exclusive", "w", "1")+`]`, `"events":[`+began("shared", "r", "2")+`]`),
		"(token 2, multi) while":          lines(`"events":[`+began("multi", "w", "1")+`]`, `"events":[`+began("multi", "v", "2")+`]`),
		"lets a reader join with token 2": lines(`"events":[`+began("shared", "r", "1")+`]`, `"events":[`+began("shared", "s", "2")+`]`),
		"with which 4 of 3 are held":      lines(asks("p", "2")+`"events":[`+began("semaphore", "p", "1")+`]`, asks("q", "2")+`"events":[`+began("semaphore", "q", "2")+`]`),
		"token 2, which nobody holds":     lines(`"events":[`+began("shared", "r", "1")+`]`, `"events":[`+ended("s", "2")+`]`),
	} {
		if got := strings.Join(judgeText(t, log).Violations, "\n"); !strings.Contains(got, fault) {
			t.Errorf("want a violation with %q, got %q", fault, got)
		}
	}
}
