package report

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// Page is what is drawn.
type Page struct {
	Verdict    string
	Command    string
	Start      time.Time
	Took       time.Duration
	Recovery   time.Duration
	Network    string // what faults of links did
	Results    []check.Result
	Faults     []Fault
	Skipped    []string
	Problems   []string
	Events     []history.Event
	Operations []history.Operation
	Holders    []check.Held
}

// Fault is one fault with its instants.
type Fault struct {
	Name        string
	From, Until int64
	Did         []string
	Error       string
}

//go:embed page.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"round": func(span time.Duration) string { return span.Round(time.Millisecond).String() },
}).Parse(pageText))

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	begin, end := p.bounds()
	axis := axis{begin: begin, end: end, left: leftMargin}
	view := map[string]any{
		"Page": p, "Counts": p.counts(), "Faults": p.faultRows(begin), "Throughput": template.HTML(p.throughput(axis)), "Latency": template.HTML(p.latency(axis)),
		"Holders": template.HTML(p.timeline(axis)), "Pictures": p.pictures(),
	}
	return pageTemplate.Execute(w, view)
}

// bounds are the first and the last instant.
func (p Page) bounds() (begin, end int64) {
	if len(p.Events) == 0 {
		return 0, 1
	}
	return p.Events[0].At, max(p.Events[len(p.Events)-1].At, p.Events[0].At+1)
}

// countRow is how the operations of one workload ended.
type countRow struct {
	Workload       string
	OK, Fail, Info int
}

func (p Page) counts() []countRow {
	rows := map[string]*countRow{}
	for _, operation := range p.Operations {
		name := operation.Invoke.Workload
		if rows[name] == nil {
			rows[name] = &countRow{Workload: name}
		}
		switch operation.End.Type {
		case history.OK:
			rows[name].OK++
		case history.Fail:
			rows[name].Fail++
		default:
			rows[name].Info++
		}
	}
	var list []countRow
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		list = append(list, *rows[name])
	}
	return list
}

type faultRow struct {
	Name, Did, Error string
	From, Lasted     time.Duration
}

func (p Page) faultRows(begin int64) []faultRow {
	var rows []faultRow
	for _, fault := range p.Faults {
		rows = append(rows, faultRow{fault.Name, strings.Join(fault.Did, "; "), fault.Error, time.Duration(fault.From - begin), time.Duration(fault.Until - fault.From)})
	}
	return rows
}

type picture struct{ Name, Document string }

func (p Page) pictures() []picture {
	var list []picture
	for _, result := range p.Results {
		for _, name := range slices.Sorted(maps.Keys(result.Pictures)) {
			list = append(list, picture{name, result.Pictures[name]})
		}
	}
	slices.SortFunc(list, func(a, b picture) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
