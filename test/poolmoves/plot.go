package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The size of the picture, in pixels.
const (
	width, height = 900, 370
	left, right   = 50, 20
	top, bottom   = 50, 110
)

// palette has a colour for each worker, told apart by lightness too.
var palette = []string{"#1b6ca8", "#f2a541", "#3d9970", "#b5446e", "#8d99ae", "#6a4c93", "#c9cba3", "#e07a5f", "#14213d", "#7fc8f8", "#8a5a2b"}

// plot draws how many partitions each worker served over time; what nobody served is left white.
func plot(p plan, spans []span, events []event) string {
	begin, end := spans[0].began, spans[len(spans)-1].ended
	workers := workersOf(events)
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11" role="img" aria-label="Partitions served by each worker over time">`+"\n", width, height)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	fmt.Fprintf(&svg, `<text x="%d" y="18" font-size="14" font-weight="bold">Who serves the %d partitions of a pool</text>`+"\n", left, p.partitions)
	fmt.Fprintf(&svg, `<text x="%d" y="34" fill="#4a5568">White is what nobody serves: on its way from one worker to another, or waiting for a session to end</text>`+"\n", left)
	x := func(at time.Time) float64 {
		return left + float64(at.Sub(begin))/float64(end.Sub(begin))*(width-left-right)
	}
	y := func(count int) float64 {
		return height - bottom - float64(count)/float64(p.partitions)*(height-top-bottom)
	}
	for i, layer := range layers(workers, events, begin, end, width-left-right) {
		var over, under []string
		for at, both := range layer {
			if at > 0 && at < len(layer)-1 && both == layer[at-1] && both == layer[at+1] {
				continue // on a straight line
			}
			over = append(over, fmt.Sprintf("%d,%.1f", left+at, y(both[1])))
			under = append(under, fmt.Sprintf("%d,%.1f", left+at, y(both[0])))
		}
		slices.Reverse(under)
		points := append(over, under...)
		fmt.Fprintf(&svg, `<polygon points="%s" fill="%s"/>`+"\n", strings.Join(points, " "), palette[i%len(palette)])
	}
	axes(&svg, p, spans, x, y)
	legend(&svg, workers)
	svg.WriteString("</svg>\n")
	return svg.String()
}

// workersOf lists the workers in the order in which they first served.
func workersOf(events []event) (workers []string) {
	for _, e := range events {
		if !slices.Contains(workers, e.worker) {
			workers = append(workers, e.worker)
		}
	}
	slices.Sort(workers)
	return workers
}

// layers are, for each worker and each column, where its part of the stack begins and ends.
func layers(workers []string, events []event, begin, end time.Time, columns int) [][][2]int {
	all := make([][][2]int, len(workers))
	place := map[string]int{}
	for i, worker := range workers {
		place[worker] = i
	}
	owners, counts := map[int]string{}, make([]int, len(workers))
	next := 0
	for column := range columns + 1 {
		until := begin.Add(time.Duration(column) * end.Sub(begin) / time.Duration(columns))
		for ; next < len(events) && !events[next].at.After(until); next++ {
			e := events[next]
			if old, served := owners[e.partition]; served && (e.begins || old == e.worker) {
				counts[place[old]]--
				delete(owners, e.partition)
			}
			if e.begins {
				owners[e.partition] = e.worker
				counts[place[e.worker]]++
			}
		}
		base := 0
		for i, count := range counts {
			all[i] = append(all[i], [2]int{base, base + count})
			base += count
		}
	}
	return all
}

func axes(svg *strings.Builder, p plan, spans []span, x func(time.Time) float64, y func(int) float64) {
	for _, count := range []int{0, p.partitions / 2, p.partitions} {
		fmt.Fprintf(svg, `<text x="%d" y="%.1f" text-anchor="end">%d</text>`+"\n", left-6, y(count)+4, count)
	}
	for i, s := range spans {
		at := x(s.began)
		fmt.Fprintf(svg, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#333333" stroke-dasharray="2,3"/>`+"\n", at, at, top, height-bottom+6)
		fmt.Fprintf(svg, `<text x="%.1f" y="%d" font-weight="bold">%d</text>`+"\n", at+3, height-bottom+16, i+1)
		fmt.Fprintf(svg, `<text x="%d" y="%d"><tspan font-weight="bold">%d</tspan> %s</text>`+"\n", left+(i%3)*290, height-bottom+38+(i/3)*16, i+1, s.name)
	}
	fmt.Fprintf(svg, `<text x="%d" y="%d" text-anchor="end">%.0f s</text>`+"\n", width-right, height-bottom+16, spans[len(spans)-1].ended.Sub(spans[0].began).Seconds())
}

func legend(svg *strings.Builder, workers []string) {
	for i, worker := range workers {
		at := left + (i%9)*92
		fmt.Fprintf(svg, `<rect x="%d" y="%d" width="10" height="10" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", at, height-20, palette[i%len(palette)], at+14, height-11, worker)
	}
}
