package fsm

import (
	"github.com/cespare/xxhash/v2"

	"github.com/coordd/coordd/fsm/internal/canonical"
	"github.com/coordd/coordd/fsm/internal/ordered"
)

// table is one ordered map of the state. Its tree is copy-on-write and its rows are never changed in place, so a snapshot copies it in constant time. Every
// change goes through put and remove, which feed the sum of hashes and the undo list: no part of the state can change unseen.
type table[K, V any] struct {
	id      byte
	journal *journal
	tree    *ordered.Map[K, *row[K, V]]
	code    func(*canonical.Coder, *K, *V) // fields of a row
	hashed  func(*canonical.Coder, *K, *V) // the part of them that the hash covers
	watch   func(old, new *row[K, V])      // sees each change, for what is counted beside the table; nil when nothing is
	undos   []change[K, V]
	fresh   []*row[K, V] // rows that are not part of the sum yet
	amended row[K, V]    // what amend has overwritten last
}

// row is one key with its value. Only what concerns the sum of hashes changes after it was made.
type row[K, V any] struct {
	key    K
	value  V
	hash   uint64
	summed bool // hash is known, and part of the sum while the row is in the table
	fresh  bool // the row is in the table's list of fresh ones
	gone   bool // the row was taken out before its hash was asked for
}

// change is one change of a table: what stood there before and what afterwards, nil when nothing did.
type change[K, V any] struct{ old, new *row[K, V] }

// anyTable is what snapshots need from a table, whatever it holds.
type anyTable interface {
	tableID() byte
	copyForSnapshot() frozenTable
	readRow(c *canonical.Coder) bool
}

// frozenTable is a table as it was at one moment.
type frozenTable struct {
	id   byte
	rows int
	each func(yield func(encoded []byte) bool)
}

func newTable[K, V any](j *journal, id byte, compare func(a, b K) int, code func(*canonical.Coder, *K, *V)) *table[K, V] {
	return &table[K, V]{id: id, journal: j, tree: ordered.NewMap[K, *row[K, V]](compare), code: code, hashed: code}
}

func (t *table[K, V]) get(key K) (value V, found bool) {
	if r, found := t.tree.Get(key); found {
		return r.value, true
	}
	return value, false
}

func (t *table[K, V]) has(key K) bool {
	_, found := t.tree.Get(key)
	return found
}

// put gives a key a value, and answers the one it had.
func (t *table[K, V]) put(key K, value V) (old V, replaced bool) {
	c := change[K, V]{new: &row[K, V]{key: key, value: value}}
	c.old, _ = t.tree.Set(key, c.new)
	t.note(c)
	if c.old == nil {
		return old, false
	}
	return c.old.value, true
}

// amend is put for a value that is there already and often changes again within one entry: then it is overwritten where it lies.
func (t *table[K, V]) amend(key K, value V) {
	r, there := t.tree.Get(key)
	if !there || !r.fresh || t.journal.recording {
		t.put(key, value)
		return
	}
	// Nobody else knows the row: a snapshot is taken between entries, and what was done before recording began is not undone.
	t.amended = *r
	r.value = value
	if t.watch != nil {
		t.watch(&t.amended, r)
	}
}

func (t *table[K, V]) remove(key K) {
	if old, removed := t.tree.Delete(key); removed {
		t.note(change[K, V]{old: old})
	}
}

// note tells everybody who follows the table about a change that was made.
func (t *table[K, V]) note(c change[K, V]) {
	t.follow(c)
	if t.journal.recording {
		t.undos = append(t.undos, c)
		t.journal.steps = append(t.journal.steps, t)
	}
}

// follow keeps the sum of hashes, and what is counted beside the table, true to a change. Rows that come and go within an entry are never hashed.
func (t *table[K, V]) follow(c change[K, V]) {
	if old := c.old; old != nil && old.summed {
		t.journal.sum -= old.hash
	} else if old != nil {
		old.gone = true
	}
	if new := c.new; new != nil && new.summed {
		t.journal.sum += new.hash
	} else if new != nil {
		new.gone = false
		t.refresh(new)
	}
	if t.watch != nil {
		t.watch(c.old, c.new)
	}
}

// refresh lists a row whose hash will be wanted.
func (t *table[K, V]) refresh(r *row[K, V]) {
	if r.fresh {
		return
	}
	if len(t.fresh) == 0 {
		t.journal.unsummed = append(t.journal.unsummed, t)
	}
	r.fresh = true
	t.fresh = append(t.fresh, r)
}

// addFresh implements summer.
func (t *table[K, V]) addFresh(c *canonical.Coder) (sum uint64) {
	for _, r := range t.fresh {
		r.fresh = false
		if r.gone {
			continue
		}
		*c = canonical.Coder{Writing: true, Bytes: append(c.Bytes[:0], t.id)}
		t.hashed(c, &r.key, &r.value)
		r.hash, r.summed = xxhash.Sum64(c.Bytes), true
		sum += r.hash
	}
	clear(t.fresh)
	t.fresh = t.fresh[:0]
	return sum
}

// undo implements undoer.
func (t *table[K, V]) undo() {
	last := len(t.undos) - 1
	c := t.undos[last]
	t.undos[last] = change[K, V]{}
	t.undos = t.undos[:last]
	if c.old != nil {
		t.tree.Set(c.old.key, c.old)
	} else {
		t.tree.Delete(c.new.key)
	}
	t.follow(change[K, V]{old: c.new, new: c.old})
}

// forgetUndo implements undoer.
func (t *table[K, V]) forgetUndo() {
	clear(t.undos)
	t.undos = t.undos[:0]
}

// all walks the rows in order, until yield answers false. The table must not change meanwhile; so it is with from and before.
func (t *table[K, V]) all(yield func(K, V) bool) {
	t.tree.Scan(func(_ K, r *row[K, V]) bool { return yield(r.key, r.value) })
}

// from walks the rows at and after a key, in order, until yield answers false.
func (t *table[K, V]) from(key K, yield func(K, V) bool) {
	t.tree.Ascend(key, func(_ K, r *row[K, V]) bool { return yield(r.key, r.value) })
}

// before walks the rows at and before a key, in reverse order, until yield answers false.
func (t *table[K, V]) before(key K, yield func(K, V) bool) {
	t.tree.Descend(key, func(_ K, r *row[K, V]) bool { return yield(r.key, r.value) })
}

func (t *table[K, V]) first() (key K, value V, ok bool) {
	key, r, ok := t.tree.Min()
	if ok {
		value = r.value
	}
	return key, value, ok
}

func (t *table[K, V]) len() int { return t.tree.Len() }

func (t *table[K, V]) tableID() byte { return t.id }

func (t *table[K, V]) copyForSnapshot() frozenTable {
	tree := t.tree.Copy()
	return frozenTable{id: t.id, rows: tree.Len(), each: func(yield func([]byte) bool) {
		var c canonical.Coder
		var key K
		var value V
		tree.Scan(func(_ K, r *row[K, V]) bool {
			key, value = r.key, r.value // the machine and its readers look at the row meanwhile: it is not lent to anybody
			c = canonical.Coder{Writing: true, Bytes: c.Bytes[:0]}
			t.code(&c, &key, &value)
			return yield(c.Bytes)
		})
	}}
}

// readRow adds a row from a snapshot. Rows come in strictly rising order, so that a snapshot has one spelling and no row twice.
func (t *table[K, V]) readRow(c *canonical.Coder) bool {
	var key K
	var value V
	t.code(c, &key, &value)
	if c.Failed || len(c.Bytes) > 0 {
		return false
	}
	if last, _, any := t.tree.Max(); any && t.tree.Compare(last, key) >= 0 {
		return false
	}
	t.put(key, value)
	t.journal.settleSum()
	return true
}
