package report

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
)

// The sizes of the timeline, in pixels of the chart.
const (
	rowHeight      = 14
	letterWidth    = 5.5 // of the names of locks
	mostNameLength = 40  // a longer name runs into its row
	mostRows       = 120
)

// timeline draws a row for each lock, with the times in which clients could count on it.
func (p Page) timeline(a axis) string {
	byKey := map[string][]check.Held{}
	var keys []string
	for _, held := range p.Holders {
		if byKey[held.Key] == nil {
			keys = append(keys, held.Key)
		}
		byKey[held.Key] = append(byKey[held.Key], held)
	}
	drawn, colours := p.rows(keys), p.colours()
	longest := 0
	for _, key := range drawn {
		longest = max(longest, len(key))
	}
	a.left = max(leftMargin, int(letterWidth*float64(min(longest, mostNameLength)))+8)
	svg := p.frame(a, len(drawn)*rowHeight)
	for row, key := range drawn {
		y := row * rowHeight
		fmt.Fprintf(svg, `<text class="key" x="2" y="%d">%s</text>`, y+rowHeight-4, html.EscapeString(key))
		for _, held := range byKey[key] {
			piece(svg, a, y, held.From, held.Until, fmt.Sprintf(`fill="%s"`, colours[client(held)]),
				fmt.Sprintf("%s held by %s (token %d)", key, held.Process, held.Token))
		}
		if p.violates(key) {
			twice(svg, a, y, byKey[key])
		}
	}
	text := svg.String() + "</svg>"
	if left := len(keys) - len(drawn); left > 0 {
		text += fmt.Sprintf("<p>%d more locks are not drawn.</p>", left)
	}
	return text
}

// piece draws a span of time in a row.
func piece(svg io.Writer, a axis, y int, from, until int64, look, says string) {
	fmt.Fprintf(svg, `<rect x="%.2f" y="%d" width="%.2f" height="%d" %s><title>%s for %v</title></rect>`, a.x(from), y+1,
		max(0.3, a.x(until)-a.x(from)), rowHeight-2, look, html.EscapeString(says), time.Duration(until-from).Round(time.Millisecond))
}

// twice marks when two could count on a lock that is for one alone.
func twice(svg io.Writer, a axis, y int, holds []check.Held) {
	for number, one := range holds {
		for _, other := range holds[:number] {
			from, until := max(one.From, other.From), min(one.Until, other.Until)
			if from < until && one.Holder != other.Holder && (one.Mode == "" || other.Mode == "") {
				piece(svg, a, y, from, until, `class="twice"`, fmt.Sprintf("%s: both %s and %s could count on it", one.Key, other.Process, one.Process))
			}
		}
	}
}

// rows chooses the locks that are drawn, and their order: first those that a violation names, then equally many of each workload.
func (p Page) rows(keys []string) []string {
	var violated []string
	byWorkload := map[string][]string{}
	var workloads []string
	for _, key := range slices.SortedFunc(slices.Values(keys), byNumbers) {
		if p.violates(key) {
			violated = append(violated, key)
			continue
		}
		workload, _, _ := strings.Cut(key, "/")
		if byWorkload[workload] == nil {
			workloads = append(workloads, workload)
		}
		byWorkload[workload] = append(byWorkload[workload], key)
	}
	rows := violated[:min(len(violated), mostRows)]
	room := mostRows - len(rows)
	for number, workload := range inOrderOfLength(workloads, byWorkload) {
		share := min(len(byWorkload[workload]), room/(len(workloads)-number))
		byWorkload[workload], room = byWorkload[workload][:share], room-share
	}
	for _, workload := range workloads {
		rows = append(rows, byWorkload[workload]...)
	}
	return rows
}

// inOrderOfLength is the workloads with the fewest locks first, so that what they leave of their share goes to the others.
func inOrderOfLength(workloads []string, keys map[string][]string) []string {
	return slices.SortedStableFunc(slices.Values(workloads), func(a, b string) int { return cmp.Compare(len(keys[a]), len(keys[b])) })
}

func (p Page) violates(key string) bool {
	for _, result := range p.Results {
		if _, pictured := result.Pictures[key]; pictured || slices.ContainsFunc(result.Violations, func(violation string) bool { return strings.Contains(violation, key) }) {
			return true
		}
	}
	return false
}

// byNumbers compares names part by part, so that lock/2 comes before lock/10.
func byNumbers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(a, b string) int {
		first, notFirst := strconv.Atoi(a)
		second, notSecond := strconv.Atoi(b)
		if notFirst == nil && notSecond == nil {
			return cmp.Compare(first, second)
		}
		return strings.Compare(a, b)
	})
}

// palette has no red, which is for what must not be.
var palette = []string{"#2e8b57", "#7b3fa0", "#d08700", "#1f78b4", "#6b7280", "#00838f", "#8d6e63", "#9aa000"}

// colours gives each client process a colour; only beyond the palette do two share one.
func (p Page) colours() map[string]string {
	colours := map[string]string{}
	for _, held := range p.Holders {
		colours[client(held)] = ""
	}
	for number, name := range slices.SortedFunc(maps.Keys(colours), byNumbers) {
		colours[name] = palette[number%len(palette)]
	}
	return colours
}

func client(held check.Held) string {
	name, _, _ := strings.Cut(held.Process, "/")
	return name
}
