package compare

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// The drawing's measures, in pixels.
const (
	plotWidth, plotHeight = 760, 380
	plotLeft, plotRight   = 60, 36 // half the last number stands right of the plot
	plotTop, plotBottom   = 46, 56
	innerWidth            = plotWidth - plotLeft - plotRight
	innerHeight           = plotHeight - plotTop - plotBottom
)

// plotColours tell systems apart, and plotDashes the ways in which a leader is lost.
var (
	plotColours = map[string]string{"coordd": "#0b7a75", "etcd": "#b3541e"}
	plotDashes  = map[string]string{LossNone: "1 3", LossKill: "none", LossCut: "7 4"}
)

// Plot draws the distribution of pauses as SVG: for each system and loss, which part of the pauses is no longer than so many milliseconds.
func Plot(w io.Writer, all []Pauses) error {
	longest := time.Second
	for _, one := range all {
		longest = max(longest, one.Quantile(100))
	}
	step := 500 * time.Millisecond
	for longest/step > 8 {
		step *= 2
	}
	end := (longest + step - 1) / step * step
	x := func(pause time.Duration) float64 {
		return plotLeft + float64(innerWidth)*float64(pause)/float64(end)
	}
	y := func(part float64) float64 { return plotTop + float64(innerHeight)*(1-part) }
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&svg, `<text x="%d" y="22" font-size="15" fill="#222">How long nobody could take a lock after the leader was lost</text>`+"\n", plotLeft)
	for at := time.Duration(0); at <= end; at += step {
		fmt.Fprintf(&svg, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle" fill="#444">%d ms</text>`+"\n",
			x(at), plotTop, x(at), plotTop+innerHeight, x(at), plotTop+innerHeight+18, at.Milliseconds())
	}
	for _, part := range []float64{0, 0.25, 0.5, 0.75, 1} {
		fmt.Fprintf(&svg, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#444">%.0f %%</text>`+"\n",
			plotLeft, y(part), plotLeft+innerWidth, y(part), plotLeft-6, y(part)+4, 100*part)
	}
	for number, one := range all {
		style := fmt.Sprintf(`stroke="%s" stroke-width="2" stroke-dasharray="%s" fill="none"`, plotColours[one.System], plotDashes[one.Loss])
		fmt.Fprintf(&svg, `<polyline points="%s" %s/>`+"\n", steps(one, x, y), style)
		left := plotLeft + number*innerWidth/max(1, len(all))
		fmt.Fprintf(&svg, `<line x1="%d" y1="%d" x2="%d" y2="%d" %s/><text x="%d" y="%d" fill="#222">%s, %s</text>`+"\n",
			left, plotHeight-14, left+28, plotHeight-14, style, left+34, plotHeight-10, one.System, one.Loss)
	}
	svg.WriteString("</svg>\n")
	_, err := io.WriteString(w, svg.String())
	return err
}

// steps are the points of a curve that rises by one part at each pause.
func steps(pauses Pauses, x func(time.Duration) float64, y func(float64) float64) string {
	points := []string{fmt.Sprintf("%.1f,%.1f", x(0), y(0))}
	for i, pause := range pauses.Each {
		count := float64(len(pauses.Each))
		points = append(points, fmt.Sprintf("%.1f,%.1f", x(pause), y(float64(i)/count)), fmt.Sprintf("%.1f,%.1f", x(pause), y(float64(i+1)/count)))
	}
	return strings.Join(points, " ")
}
