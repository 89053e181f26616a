package compare

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAPauseEndsWithTheFirstAcquireThatBeganInIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	lines := `
{"at_ns":900,"type":"invoke","process":"a","op":"acquire","key":"k"}
{"at_ns":1100,"type":"ok","process":"a","op":"acquire","key":"k"}
{"at_ns":1200,"type":"invoke","process":"b","op":"acquire","key":"l"}
{"at_ns":1300,"type":"invoke","process":"a","op":"acquire","key":"k"}
{"at_ns":1400,"type":"fail","process":"a","op":"acquire","key":"k"}
{"at_ns":1500,"type":"invoke","process":"a","op":"release","key":"k"}
{"at_ns":1600,"type":"ok","process":"a","op":"release","key":"k"}
{"at_ns":1700,"type":"ok","process":"b","op":"acquire","key":"l"}
{"at_ns":2100,"type":"invoke","process":"a","op":"acquire","key":"k"}
{"at_ns":2150,"type":"ok","process":"a","op":"acquire","key":"k"}
`
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	pauses, err := pausesIn(path, []int64{1000, 2000, 3000})
	if err != nil || !slices.Equal(pauses, []time.Duration{150, 700}) {
		t.Errorf("got %v, %v; want 150 and 700 ns: what began before the loss, was refused, or is no acquire does not count, and after the last loss nothing came", pauses, err)
	}
}

func TestQuantiles(t *testing.T) {
	pauses := Pauses{Each: []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}
	for percent, want := range map[int]time.Duration{0: 1, 10: 1, 50: 5, 90: 9, 91: 10, 100: 10} {
		if got := pauses.Quantile(percent); got != want {
			t.Errorf("%d %%: %d, want %d", percent, got, want)
		}
	}
	if got := (Pauses{}).Quantile(50); got != 0 {
		t.Errorf("no pause: %d", got)
	}
}

func TestThePlotIsXMLWithACurveForEach(t *testing.T) {
	all := []Pauses{{"coordd", LossKill, []time.Duration{time.Second, 2 * time.Second}}, {"etcd", LossCut, []time.Duration{9 * time.Second}}, {"coordd", LossCut, nil}}
	var plot, table strings.Builder
	if err := errors.Join(Plot(&plot, all), RecoveryTable(&table, all)); err != nil {
		t.Fatal(err)
	}
	decoder, curves := xml.NewDecoder(strings.NewReader(plot.String())), 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the plot is no XML: %v\n%s", err, plot.String())
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "polyline" {
			curves++
		}
	}
	if curves != 3 || !strings.Contains(table.String(), "| coordd | kill | 2 | 1000 ms | 1000 ms | 2000 ms | 2000 ms |") {
		t.Errorf("%d curves, want 3; the table:\n%s", curves, table.String())
	}
}
