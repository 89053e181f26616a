package foreign

import (
	"testing"

	"github.com/coordd/coordd/test/compat/lines"
)

func TestSelect(t *testing.T) {
	for list, want := range map[string]int{"": len(Catalog), "redsync": 2, "goredis": 1, "redlock,idiom-incr": 4} {
		got, err := Select(list)
		if err != nil || len(got) != want {
			t.Errorf("Select(%q): got %d clients (%v), want %d", list, len(got), err, want)
		}
	}
	if _, err := Select("redsync,nobody"); err == nil {
		t.Error("Select of an unknown client: got no error")
	}
}

func TestLineLogReadsLinesInPieces(t *testing.T) {
	log := &lineLog{}
	for _, piece := range []string{`{"event":"he`, `ld","name":"a"}` + "\n" + `{"event":"summary","held":1}`, "\n"} {
		if _, err := log.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := log.result()
	if err != nil || len(got) != 2 || got[0].Name != "a" || got[1].Event != lines.Summary || got[1].Held != 1 {
		t.Fatalf("got %+v (%v)", got, err)
	}
	log.Write([]byte("Traceback\n"))
	if _, err := log.result(); err == nil {
		t.Fatal("a line that is no JSON went unnoticed")
	}
}
