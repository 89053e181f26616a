package table

import "testing"

func TestColumnsAlignAndGapsShowDashes(t *testing.T) {
	tab := New(false, "NODE", "ROLE", "TERM")
	tab.Row(Plain("a"), Good("leader"), Plain("12"))
	tab.Row(Plain("längster"), Plain(""))
	want := "NODE      ROLE    TERM\na         leader  12\nlängster  -       -\n"
	if got := tab.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestColourDoesNotShiftColumns(t *testing.T) {
	tab := New(true, "R", "T")
	tab.Row(Good("ok"), Plain("1"))
	tab.Row(Bad("no"), Plain("2"))
	want := "R   T\n\x1b[32mok\x1b[0m  1\n\x1b[31mno\x1b[0m  2\n"
	if got := tab.String(); got != want {
		t.Errorf("got %q want %q", got, want)
	}
}
