package ring

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// What decodes is a table like any other and has only this spelling.
func FuzzDecode(f *testing.F) {
	f.Add(encode(empty(f, WithPartitions(1))))
	small := must[*Table](f)(New([]Member{{"a", "north", 3}, {"b", "south", 1}, {"c", "", 1}}, WithPartitions(5), WithZones(ZonesApart)))
	f.Add(encode(small))
	f.Add(encode(step(f, small, Equal("b", "d"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || table != nil {
				t.Fatalf("%v, %v", table, err)
			}
			return
		}
		if !bytes.Equal(encode(table), data) {
			t.Fatal("a table has two spellings")
		}
		var members []Member
		for _, m := range table.Members() {
			members = append(members, m)
		}
		table.Explain("key")
		// It may be out of balance and have partitions without an owner; the next one does not.
		consistent(t, step(t, table, members), members)
	})
}

// Every byte counts: a table with one byte changed or cut off is another table or none.
func TestDecodeNoticesDamage(t *testing.T) {
	table := must[*Table](t)(New([]Member{{"a", "north", 3}, {"b", "south", 1}}, WithPartitions(5)))
	table = step(t, table, Equal("b", "c"))
	data := encode(table)
	for i := range data {
		if _, err := Decode(data[:i]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut at %d: %v", i, err)
		}
		for _, change := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(data)
			damaged[i] ^= change
			if other, err := Decode(damaged); err == nil && bytes.Equal(encode(other), data) {
				t.Errorf("byte %d is not looked at", i)
			}
		}
	}
}

// What no table would be written as is refused, with a word about what is wrong.
func TestDecodeRefuses(t *testing.T) {
	// One partition, members a (weight 1) and the former member b, who owned it last.
	good := "\x01\x00" + "\x01" + "\x02" + "\x01a\x00\x01" + "\x01b\x00\x00" + "\x00\x00" + "\x01\x00"
	if _, err := Decode([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ data, word string }{
		"another version":          {"\x02" + good[1:], "version"},
		"no such rule":             {"\x01\x03" + good[2:], "zone rule"},
		"no partitions":            {"\x01\x00" + "\x00\x00", "no partitions"},
		"too many partitions":      {"\x01\x00" + "\x81\x80\x04" + good[3:], "more than"},
		"a long number":            {"\x01\x00" + "\x81\x00" + good[3:], "longer than"},
		"an endless number":        {"\x01\x00" + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "number"},
		"no id":                    {"\x01\x00" + "\x01" + "\x01" + "\x00\x00\x01" + "\xff\xff\xff\xff", "order"},
		"ids out of order":         {"\x01\x00" + "\x01" + "\x02" + "\x01b\x00\x01" + "\x01a\x00\x00" + "\x00\x00" + "\x01\x00", "order"},
		"an id twice":              {"\x01\x00" + "\x01" + "\x02" + "\x01a\x00\x01" + "\x01a\x00\x00" + "\x00\x00" + "\x01\x00", "order"},
		"a former member's zone":   {"\x01\x00" + "\x01" + "\x02" + "\x01a\x00\x01" + "\x01b\x01z\x00" + "\x00\x00" + "\x01\x00", "zone"},
		"an unknown owner":         {good[:len(good)-4] + "\x02\x00" + "\x01\x00", "no member"},
		"a former member as owner": {good[:len(good)-4] + "\x01\x00" + "\x01\x00", "no member"},
		"an unknown last owner":    {good[:len(good)-2] + "\x02\x00", "last owner"},
		"an idle former member":    {good[:len(good)-2] + "\x00\x00", "for nothing"},
		"more behind the end":      {good + "\x00", "behind its end"},
		"a text beyond the end":    {"\x01\x00" + "\x01" + "\x01" + "\x09abc", "text"},
	} {
		if _, err := Decode([]byte(c.data)); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
