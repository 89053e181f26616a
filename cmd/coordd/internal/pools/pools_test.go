package pools

import (
	"math"
	"strings"
	"testing"

	"github.com/coordd/coordd/transport/resp/wire"
)

func text(s string) wire.Value   { return wire.Value{Type: wire.Bulk, Text: []byte(s)} }
func integer(n int64) wire.Value { return wire.Value{Type: wire.Integer, Integer: n} }
func mapping(pairs ...any) wire.Value {
	value := wire.Value{Type: wire.Map}
	for _, one := range pairs {
		switch one := one.(type) {
		case string:
			value.Elements = append(value.Elements, text(one))
		case int:
			value.Elements = append(value.Elements, integer(int64(one)))
		case wire.Value:
			value.Elements = append(value.Elements, one)
		}
	}
	return value
}

func array(elements ...wire.Value) wire.Value {
	return wire.Value{Type: wire.Array, Elements: elements}
}

func TestReadPool(t *testing.T) {
	pool := ReadPool(mapping("name", "orders", "partitions", 10, "now_ms", 5000, "rebalance_ms", 5800, "owned", 7, "draining", 2, "waiting", 1, "free", 3,
		"workers", array(mapping("worker", "a", "owned", 7, "draining", 2, "target", 4, "since_ms", 4000), mapping("worker", "b", "target", 6, "state", "reserved", "until_ms", 6000))))
	if pool.Name != "orders" || pool.RebalanceInMs != 800 || pool.Moving() != 3 || len(pool.Workers) != 2 {
		t.Errorf("%+v", pool)
	}
	a, b := pool.Workers[0], pool.Workers[1]
	if a.Gives() != 3 || a.Gets() != 0 || a.MemberMs != 1000 || b.Gives() != 0 || b.Gets() != 6 || b.ReservedForMs != 1000 {
		t.Errorf("%+v %+v", a, b)
	}
}

// What an older or newer cluster leaves out, or spells otherwise, is nothing and no fault.
func TestReadNonsense(t *testing.T) {
	for _, value := range []wire.Value{{}, text("x"), array(integer(1)), mapping("partitions", -3, "workers", "no list", "changes", array(integer(1), integer(2)))} {
		if pool := ReadPool(value); len(pool.Workers) != 0 {
			t.Errorf("%+v", pool)
		}
		if table := ReadPartitions(value); len(table) != 0 {
			t.Errorf("%+v", table)
		}
		ReadExplanation("k", value)
	}
}

func TestReadPartitions(t *testing.T) {
	table := ReadPartitions(mapping("partitions", 3, "changes", array(integer(1), text("w"), integer(math.MaxInt64), integer(2), integer(9), text("w"), integer(1), integer(1))))
	want := []Partition{{0, "", "0", "free"}, {1, "w", "9223372036854775807", "draining"}, {2, "", "0", "free"}}
	if len(table) != 3 || table[0] != want[0] || table[1] != want[1] || table[2] != want[2] {
		t.Errorf("%+v", table)
	}
	if e := ReadExplanation("k", mapping("token", 7, "state", 9, "standbys", array(text("b"), text("c")))); e.Token != "7" || e.State != "9" || len(e.Standbys) != 2 {
		t.Errorf("%+v", e)
	}
}

// The ring gives each worker about as many characters as it owns partitions, and every line has the same width.
func TestRingIsInProportion(t *testing.T) {
	pool := Pool{Partitions: 100, Free: 10, Owned: 90, Workers: []Worker{{ID: "a", Owned: 60, Target: 40, Draining: 5}, {ID: "b", Owned: 30, Target: 50}}}
	lines := pool.Ring(false)
	all := strings.Join(lines, "")
	characters := len(all) - strings.Count(all, " ")
	for mark, want := range map[string]int{"A": 40, "a": 20, "B": 30, "b": 0, ".": 10} {
		got := 100 * strings.Count(all, mark) / characters
		if got < want-4 || got > want+4 {
			t.Errorf("%s has %d %% of the ring, want about %d", mark, got, want)
		}
	}
	for _, line := range lines {
		if len(line) != pictureColumns {
			t.Errorf("%q has %d columns", line, len(line))
		}
	}
	if painted := strings.Join(pool.Ring(true), ""); !strings.Contains(painted, Escape(0)+"A") || strings.Contains(all, "\x1b") {
		t.Error("colours are missing, or there although nobody asked for them")
	}
}

func TestRingOfNothingAndOfMany(t *testing.T) {
	if all := strings.Join(Pool{}.Ring(false), ""); strings.Trim(all, " .") != "" {
		t.Errorf("an empty pool shows %q", all)
	}
	many := Pool{Partitions: 100}
	for range 100 {
		many.Workers = append(many.Workers, Worker{Owned: 1, Target: 1, Weight: 1, State: "active"})
	}
	many.Owned = 100
	all := strings.Join(many.Ring(false), "")
	if !strings.Contains(all, "Z") || !strings.Contains(all, othersMark) {
		t.Errorf("100 workers show as %q", all)
	}
}

func TestBars(t *testing.T) {
	for want, w := range map[string]Worker{
		"##########": {Owned: 100, Target: 100},
		"#####-----": {Owned: 100, Target: 50},
		"#####+++++": {Owned: 50, Target: 100},
		"-":          {Owned: 1, Draining: 1, Target: 0},
		"":           {},
	} {
		if got := w.Bar(100, 10); got != want {
			t.Errorf("%+v is drawn %q, want %q", w, got, want)
		}
	}
	if got := (Worker{Owned: 1}).Bar(0, 10); got != "" {
		t.Errorf("without a scale: %q", got)
	}
}

func TestFullest(t *testing.T) {
	pool := Pool{Partitions: 90, Owned: 90, Workers: []Worker{{ID: "a", Owned: 30, Weight: 2, State: "active"}, {ID: "b", Owned: 45, Weight: 1, State: "active"}, {ID: "c", Owned: 15, Weight: 9, State: "leaving"}}}
	if id, of := pool.Fullest(); id != "b" || of != 1.5 {
		t.Errorf("%s has %.2f times its share", id, of)
	}
	if id, _ := (Pool{}).Fullest(); id != "" {
		t.Errorf("%q in an empty pool", id)
	}
}
