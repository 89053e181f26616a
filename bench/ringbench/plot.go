package main

import (
	"fmt"
	"math"
	"strings"
)

// panel is one of the plots that stand beside each other: a dot for each contender and size along a logarithmic axis.
type panel struct {
	title, unit string
	from, to    float64
	ticks       []float64
	mark        float64 // a line for what was aimed at; 0 for none
	markName    string
	of          func(figures) float64
}

// The measures of the picture, in pixels.
const (
	rowHeight   = 30
	labelWidth  = 214
	panelWidth  = 235
	panelGap    = 48
	topMargin   = 118
	bottom      = 64
	dotRadius   = 5.5
	pictureFont = "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\""
)

// sizeColors go from light to dark with the number of members; each is told apart from its neighbours in grey too.
var sizeColors = []string{"#8ecae6", "#2a7fba", "#12355b"}

// plot is docs/ring.svg: the rows are contenders, the panels what was measured.
func plot(r *report) string {
	panels := []panel{
		{"Lookup", "ns", 4, 4000, []float64{10, 100, 1000}, r.Bare[0], "bare hash + read", func(f figures) float64 { return f.Nanos }},
		{"Change of one member", "µs", 0.01, 50000, []float64{0.1, 10, 1000}, 100, "aim: 100 µs", func(f figures) float64 { return float64(f.Rebuild) / 1000 }},
		{"Fullest member", "times the mean", 1, 10, []float64{1, 2, 5, 10}, 0, "", func(f figures) float64 { return f.Fullest }},
		{"Keys moved by a leave", "times the least", 0.9, 1500, []float64{1, 10, 100, 1000}, 1, "the least", func(f figures) float64 { return f.Left }},
	}
	width := labelWidth + len(panels)*(panelWidth+panelGap)
	height := topMargin + len(contenders)*rowHeight + bottom
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" %s font-size=\"13\">\n", width, height, width, height, pictureFont)
	fmt.Fprintf(&b, "<title>Ways to find the owner of a key, at 10, 100 and 1,000 members</title>\n")
	fmt.Fprintf(&b, "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", width, height)
	text(&b, 16, 30, "start", "#111827", "font-size=\"17\" font-weight=\"600\"", "Ways to find the owner of a key")
	text(&b, 16, 50, "start", "#4b5563", "", "Further left is better in every panel. Logarithmic axes.")
	legend(&b, width-372, 30)
	for row, c := range contenders {
		y := topMargin + row*rowHeight
		if row%2 == 0 {
			fmt.Fprintf(&b, "<rect x=\"8\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#f3f5f8\"/>\n", y, width-16, rowHeight)
		}
		weight := ""
		if c.ours {
			weight = "font-weight=\"700\""
		}
		text(&b, 16, y+rowHeight/2+5, "start", "#111827", weight, c.name)
	}
	for i, p := range panels {
		p.draw(&b, r, labelWidth+i*(panelWidth+panelGap))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func legend(b *strings.Builder, x, y int) {
	for i, n := range sizes {
		fmt.Fprintf(b, "<circle cx=\"%d\" cy=\"%d\" r=\"%v\" fill=\"%s\" stroke=\"#ffffff\"/>\n", x, y-4, dotRadius, sizeColors[i])
		text(b, x+10, y, "start", "#111827", "", grouped(n)+" members")
		x += 118
	}
}

// draw draws one panel with its left edge at x.
func (p *panel) draw(b *strings.Builder, r *report, x int) {
	end := topMargin + len(contenders)*rowHeight
	text(b, x, topMargin-42, "start", "#111827", "font-weight=\"600\"", p.title)
	text(b, x, topMargin-25, "start", "#4b5563", "font-size=\"12\"", p.unit)
	for _, tick := range p.ticks {
		at := x + p.place(tick)
		fmt.Fprintf(b, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#d4d9e0\"/>\n", at, topMargin, at, end)
		text(b, at, end+18, "middle", "#4b5563", "font-size=\"12\"", label(tick))
	}
	if p.mark > 0 {
		at := x + p.place(p.mark)
		fmt.Fprintf(b, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#c2410c\" stroke-dasharray=\"5 4\"/>\n", at, topMargin-8, at, end)
		text(b, at, end+38, "middle", "#c2410c", "font-size=\"12\"", p.markName)
	}
	for row, c := range contenders {
		y := topMargin + row*rowHeight + rowHeight/2
		of := r.Of[c.name]
		first, last := x+p.place(p.of(of[0])), x+p.place(p.of(of[len(of)-1]))
		fmt.Fprintf(b, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#9aa4b2\"/>\n", first, y, last, y)
		for i := range sizes {
			// Dots of one place lie beside each other a little, so that none hides another.
			fmt.Fprintf(b, "<circle cx=\"%d\" cy=\"%d\" r=\"%v\" fill=\"%s\" stroke=\"#ffffff\"><title>%s, %s members: %.4g %s</title></circle>\n",
				x+p.place(p.of(of[i])), y+(i-1)*5, dotRadius-1, sizeColors[i], c.name, grouped(sizes[i]), p.of(of[i]), p.unit)
		}
	}
}

// place is where a value lies between the edges of its panel.
func (p *panel) place(value float64) int {
	value = math.Min(math.Max(value, p.from), p.to)
	return int(math.Round(panelWidth * math.Log(value/p.from) / math.Log(p.to/p.from)))
}

func label(v float64) string {
	if v >= 1 {
		return grouped(int(v))
	}
	return fmt.Sprint(v)
}

func text(b *strings.Builder, x, y int, anchor, fill, more, content string) {
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" fill=\"%s\" %s>%s</text>\n", x, y, anchor, fill, more, content)
}
