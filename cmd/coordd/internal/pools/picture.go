package pools

import (
	"math"
	"strings"
)

// The size of the ring in characters. A character of a terminal is about twice as high as it is wide.
const (
	pictureRows    = 13
	pictureColumns = 27
)

// marks name the workers in the picture, in the order in which they are listed; those beyond share the last.
const marks = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

const (
	othersMark = "*"
	freeMark   = "."
)

// Mark is the letter of the worker at that place of the list.
func Mark(place int) string {
	if place < len(marks) {
		return marks[place : place+1]
	}
	return othersMark
}

// colours tell neighbours apart where there are colours: cyan, yellow, green, magenta, blue, red.
var colours = [...]string{"\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[31m"}

const reset = "\x1b[0m"

// Escape begins the colour of the worker at that place.
func Escape(place int) string { return colours[place%len(colours)] }

// arc is a run of the ring: so many partitions that are shown by one mark.
type arc struct {
	mark  string
	place int // of the worker; -1 for nobody's
	size  int
}

// arcs are the parts of the ring, clockwise: for each worker what stays with it and, by a small letter, what it gives away, and at the end what is free.
func (p Pool) arcs() (all []arc) {
	for place, w := range p.Workers {
		mark := Mark(place)
		all = append(all, arc{mark, place, w.Owned - min(w.Gives(), w.Owned)}, arc{strings.ToLower(mark), place, min(w.Gives(), w.Owned)})
	}
	return append(all, arc{freeMark, -1, p.Free})
}

// Ring draws the pool's ring, clockwise from the top, in lines of equal width. Each worker has as much of it as it owns. Its partitions do not lie side by side like that: they are scattered over all numbers.
func (p Pool) Ring(paint bool) []string {
	total, all := 0, p.arcs()
	for _, a := range all {
		total += a.size
	}
	lines := make([]string, pictureRows)
	for row := range lines {
		var line strings.Builder
		for column := range pictureColumns {
			fraction, inside := around(row, column)
			if !inside {
				line.WriteByte(' ')
				continue
			}
			a := arcAt(all, total, fraction)
			if paint && a.place >= 0 {
				line.WriteString(Escape(a.place) + a.mark + reset)
			} else {
				line.WriteString(a.mark)
			}
		}
		lines[row] = line.String()
	}
	return lines
}

// around tells how far around the ring a character is, from 0 at the top clockwise to 1, and whether it is on the ring at all.
func around(row, column int) (fraction float64, inside bool) {
	const outer, inner = 6.6, 4.2
	y, x := float64(row-pictureRows/2), float64(column-pictureColumns/2)/2
	distance := math.Hypot(x, y)
	turn := math.Atan2(x, -y) / (2 * math.Pi)
	if turn < 0 {
		turn++
	}
	return turn, distance <= outer && distance >= inner
}

// arcAt is the part of the ring that is so far around.
func arcAt(all []arc, total int, fraction float64) arc {
	at := int(fraction * float64(total))
	for _, a := range all {
		if at < a.size {
			return a
		}
		at -= a.size
	}
	return arc{freeMark, -1, 0}
}

// The marks of a bar.
const (
	keptMark = "#"
	giveMark = "-"
	getMark  = "+"
)

// Bar draws what a worker has: what it keeps, what it gives away, and what it is to get. scale is what fills the width. Whatever is not nothing has a mark at least.
func (w Worker) Bar(scale, width int) string {
	part := func(mark string, size int) string {
		if size <= 0 || scale <= 0 {
			return ""
		}
		return strings.Repeat(mark, max(1, size*width/scale))
	}
	return part(keptMark, w.Owned-w.Gives()) + part(giveMark, w.Gives()) + part(getMark, w.Gets())
}

// Scale is what the longest bar of the pool's workers shows.
func (p Pool) Scale() int {
	scale := 0
	for _, w := range p.Workers {
		scale = max(scale, w.Owned+w.Gets())
	}
	return scale
}

// Fullest is the worker that owns most in proportion to its weight, and how many times its share that is; nobody while nobody takes part.
func (p Pool) Fullest() (id string, ofShare float64) {
	weight := int64(0)
	for _, w := range p.Workers {
		if w.State != "leaving" {
			weight += w.Weight
		}
	}
	if weight == 0 || p.Owned == 0 {
		return "", 0
	}
	for _, w := range p.Workers {
		share := float64(p.Partitions) * float64(w.Weight) / float64(weight)
		if of := float64(w.Owned) / share; w.State != "leaving" && of > ofShare {
			id, ofShare = w.ID, of
		}
	}
	return id, ofShare
}
