package report

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// The sizes of a chart, in pixels of its own.
const (
	chartWidth  = 1200
	chartHeight = 180
	leftMargin  = 60
	rightMargin = 30 // the last second is written there
	lowerMargin = 20
)

// axis maps instants to places, right of a margin for what the rows or the heights are called.
type axis struct {
	begin, end int64
	left       int
}

func (a axis) x(at int64) float64 {
	return float64(a.left) + float64(at-a.begin)/float64(a.end-a.begin)*float64(chartWidth-a.left-rightMargin)
}

// buckets is into how many pieces of time a chart is cut.
func (a axis) buckets() int {
	return int(min(240, max(10, (a.end-a.begin)/int64(500*time.Millisecond))))
}

func (a axis) bucket(at int64) int {
	return min(a.buckets()-1, max(0, int(int64(a.buckets())*(at-a.begin)/(a.end-a.begin))))
}

func (a axis) middle(bucket int) int64 {
	return a.begin + (a.end-a.begin)*int64(2*bucket+1)/int64(2*a.buckets())
}

// frame opens a chart, shades the faults and writes the seconds below.
func (p Page) frame(a axis, height int) *strings.Builder {
	svg := &strings.Builder{}
	fmt.Fprintf(svg, `<svg viewBox="0 0 %d %d" role="img">`, chartWidth, height+lowerMargin)
	for _, fault := range p.Faults {
		fmt.Fprintf(svg, `<rect class="fault" x="%.1f" y="0" width="%.1f" height="%d"><title>%s</title></rect>`,
			a.x(fault.From), max(1, a.x(fault.Until)-a.x(fault.From)), height, html.EscapeString(fault.Name+": "+strings.Join(fault.Did, "; ")))
	}
	step := max(1, int64(time.Duration(a.end-a.begin).Seconds()/12))
	for second := int64(0); second*1e9 <= a.end-a.begin; second += step {
		x := a.x(a.begin + second*1e9)
		fmt.Fprintf(svg, `<line class="grid" x1="%.1f" x2="%.1f" y1="0" y2="%d"/><text x="%.1f" y="%d">%d s</text>`, x, x, height, x, height+14, second)
	}
	return svg
}

// curve draws one value for each bucket; a negative one is a gap.
func curve(svg *strings.Builder, a axis, values []float64, most float64, class string) {
	path, pen := strings.Builder{}, "M"
	for bucket, value := range values {
		if value < 0 {
			pen = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%.1f %.1f ", pen, a.x(a.middle(bucket)), chartHeight-value/most*(chartHeight-10))
		pen = "L"
	}
	fmt.Fprintf(svg, `<path class="%s" d="%s"/>`, class, path.String())
}

func scale(svg *strings.Builder, most float64, unit string) {
	for _, part := range []float64{0, 0.5, 1} {
		fmt.Fprintf(svg, `<text class="left" x="%d" y="%.1f">%.0f %s</text>`, leftMargin-4, chartHeight-part*(chartHeight-10)+4, part*most, unit)
	}
}

// throughput draws how many operations ended each second, by how they ended.
func (p Page) throughput(a axis) string {
	width := time.Duration(a.end-a.begin).Seconds() / float64(a.buckets())
	curves := map[history.Type][]float64{}
	for _, how := range []history.Type{history.OK, history.Fail, history.Info} {
		curves[how] = make([]float64, a.buckets())
	}
	for _, operation := range p.Operations {
		if operation.End.At < history.Never {
			curves[operation.End.Type][a.bucket(operation.End.At)] += 1 / width
		}
	}
	most := 1.0
	for _, values := range curves {
		most = max(most, slices.Max(values))
	}
	svg := p.frame(a, chartHeight)
	for _, how := range []history.Type{history.Fail, history.Info, history.OK} {
		curve(svg, a, curves[how], most, string(how))
	}
	scale(svg, most, "/s")
	return svg.String() + "</svg>"
}

// latency draws the median, the 99th percentile and the longest latency of what ended well or was refused, on a scale of its longest.
func (p Page) latency(a axis) string {
	took := make([][]float64, a.buckets())
	for _, operation := range p.Operations {
		if operation.End.Type == history.OK || operation.End.Type == history.Fail {
			bucket := a.bucket(operation.End.At)
			took[bucket] = append(took[bucket], float64(operation.End.At-operation.Invoke.At)/1e6)
		}
	}
	most := 1.0
	curves := [3][]float64{}
	for _, values := range took {
		slices.Sort(values)
		for i, part := range []float64{0.5, 0.99, 1} {
			at := -1.0
			if len(values) > 0 {
				at = values[int(part*float64(len(values)-1))]
			}
			curves[i] = append(curves[i], at)
			most = max(most, at)
		}
	}
	svg := p.frame(a, chartHeight)
	for i, class := range []string{"median", "p99", "longest"} {
		curve(svg, a, curves[i], most, class)
	}
	scale(svg, most, "ms")
	return svg.String() + "</svg>"
}
