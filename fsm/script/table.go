package script

import "math"

// table is a Lua table: a list for the keys 1, 2, 3, …, and fields in the order in which they came, so that walking it gives the same order everywhere.
type table struct {
	list   []value // list[i] belongs to the key i+1; entries may be nil
	fields []field
	index  map[fieldKey]int // place in fields by key, when there are more than fewFields; never ranged over

	firstField [1]field // memory for the table of one field that a status or an error is
}

// fewFields is how many fields are found faster without an index.
const fewFields = 8

type field struct {
	key   value
	value value
}

// fieldKey is a value as a map key.
type fieldKey struct {
	kind   kind
	number float64
	text   string
	table  *table
}

func keyOf(v value) fieldKey { return fieldKey{v.kind, v.number, v.text, v.table} }

// place gives the index in the list for a key that belongs there or just behind its end.
func (t *table) place(key value) (int, bool) {
	if key.kind != kindNumber || key.number != math.Trunc(key.number) || key.number < 1 || key.number > float64(len(t.list)+1) {
		return 0, false
	}
	return int(key.number) - 1, true
}

// get reads a field; a key that is not there gives nil.
func (t *table) get(key value) value {
	if i, found := t.place(key); found && i < len(t.list) {
		return t.list[i]
	}
	if i, found := t.find(key); found {
		return t.fields[i].value
	}
	return value{}
}

// find is the place of a key among the fields.
func (t *table) find(key value) (int, bool) {
	if t.index != nil {
		i, found := t.index[keyOf(key)]
		return i, found
	}
	for i := range t.fields {
		if keyOf(t.fields[i].key) == keyOf(key) {
			return i, true
		}
	}
	return 0, false
}

// text reads a field by its name.
func (t *table) text(name string) value { return t.get(stringOf(name)) }

// set writes a field and reports whether the table grew. The key is neither nil nor NaN.
func (t *table) set(key, v value) (grew bool) {
	if i, found := t.place(key); found {
		if i < len(t.list) {
			t.list[i] = v
			return false
		}
		return t.push(v)
	}
	if i, found := t.find(key); found {
		t.fields[i].value = v
		return false
	}
	if v.kind == kindNil {
		return false
	}
	t.fields = append(t.fields, field{key, v})
	switch {
	case t.index != nil:
		t.index[keyOf(key)] = len(t.fields) - 1
	case len(t.fields) > fewFields:
		t.index = make(map[fieldKey]int)
		for i := range t.fields {
			t.index[keyOf(t.fields[i].key)] = i
		}
	}
	return true
}

// push appends to the list and takes over what fields hold for the keys that follow, so that no field that is not nil belongs just behind the list.
func (t *table) push(v value) bool {
	if v.kind == kindNil {
		return false
	}
	t.list = append(t.list, v)
	for len(t.fields) > 0 {
		i, found := t.find(numberOf(float64(len(t.list) + 1)))
		if !found || t.fields[i].value.kind == kindNil {
			break
		}
		t.list = append(t.list, t.fields[i].value)
		t.fields[i].value = value{}
	}
	return true
}

// length is Lua's border: the end of the list, or a place in it before a nil, found as Lua finds it.
func (t *table) length() int {
	n := len(t.list)
	if n == 0 || t.list[n-1].kind != kindNil {
		return n
	}
	low, high := 0, n // list[low-1] is not nil, or low is 0; list[high-1] is nil
	for high-low > 1 {
		middle := (low + high) / 2
		if t.list[middle-1].kind == kindNil {
			high = middle
		} else {
			low = middle
		}
	}
	return low
}

// pairs lists what the table holds now: the list first, then the fields in the order in which they came.
func (t *table) pairs() []field {
	pairs := make([]field, 0, len(t.list)+len(t.fields))
	for i, v := range t.list {
		if v.kind != kindNil {
			pairs = append(pairs, field{numberOf(float64(i + 1)), v})
		}
	}
	for _, f := range t.fields {
		if f.value.kind != kindNil {
			pairs = append(pairs, f)
		}
	}
	return pairs
}
