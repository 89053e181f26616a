package fsm

import (
	"github.com/cespare/xxhash/v2"
	"github.com/tidwall/btree"

	"github.com/coordd/coordd/fsm/internal/canonical"
)

// table is one ordered map of the state. Its tree is copy-on-write, so a snapshot copies it in constant time; what it holds is never changed in
// place. Every change goes through put and remove, which feed the hash and the undo list: no part of the state can change unseen.
type table[K, V any] struct {
	id      byte
	journal *journal
	tree    *btree.BTreeG[row[K, V]]
	code    func(*canonical.Coder, *K, *V) // fields of a row
	hashed  func(*canonical.Coder, *K, *V) // the part of them that the hash covers
	watch   func(old, new *row[K, V])      // sees each change, for what is counted beside the table; nil when nothing is
	undos   []change[K, V]

	// Kept here so that coding and noting take no memory.
	scratch row[K, V]
	noted   change[K, V]
}

type row[K, V any] struct {
	key   K
	value V
	hash  uint64
}

// change is how to take one change of a table back.
type change[K, V any] struct {
	present     row[K, V] // as put, or a row with only the key
	old         row[K, V]
	put, hadOld bool
}

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
	less := func(a, b row[K, V]) bool { return compare(a.key, b.key) < 0 }
	return &table[K, V]{
		id:      id,
		journal: j,
		tree:    btree.NewBTreeGOptions(less, btree.Options{NoLocks: true}),
		code:    code,
		hashed:  code,
	}
}

func (t *table[K, V]) get(key K) (V, bool) {
	found, ok := t.tree.Get(row[K, V]{key: key})
	return found.value, ok
}

func (t *table[K, V]) has(key K) bool {
	_, ok := t.get(key)
	return ok
}

func (t *table[K, V]) put(key K, value V) {
	t.scratch = row[K, V]{key: key, value: value}
	t.scratch.hash = t.hash()
	old, replaced := t.tree.Set(t.scratch)
	t.note(change[K, V]{present: t.scratch, old: old, put: true, hadOld: replaced})
}

func (t *table[K, V]) remove(key K) {
	if old, removed := t.tree.Delete(row[K, V]{key: key}); removed {
		t.note(change[K, V]{present: row[K, V]{key: key}, old: old, hadOld: true})
	}
}

// hash is that of the row in scratch.
func (t *table[K, V]) hash() uint64 {
	c := &t.journal.coder
	*c = canonical.Coder{Writing: true, Bytes: append(c.Bytes[:0], t.id)}
	t.hashed(c, &t.scratch.key, &t.scratch.value)
	return xxhash.Sum64(c.Bytes)
}

// note tells everybody who follows the table about a change that was made.
func (t *table[K, V]) note(c change[K, V]) {
	t.journal.changed(t, c.old.hash, c.present.hash)
	if t.watch != nil {
		t.noted = c
		t.watch(rowIf(c.hadOld, &t.noted.old), rowIf(c.put, &t.noted.present))
	}
	if t.journal.recording {
		t.undos = append(t.undos, c)
	}
}

func rowIf[K, V any](there bool, r *row[K, V]) *row[K, V] {
	if there {
		return r
	}
	return nil
}

// undo implements undoer.
func (t *table[K, V]) undo() {
	c := t.undos[len(t.undos)-1]
	t.undos = t.undos[:len(t.undos)-1]
	if c.hadOld {
		t.tree.Set(c.old)
	} else {
		t.tree.Delete(c.present)
	}
	t.journal.changed(t, c.present.hash, c.old.hash)
	if t.watch != nil {
		t.noted = c
		t.watch(rowIf(c.put, &t.noted.present), rowIf(c.hadOld, &t.noted.old))
	}
}

// forgetUndo implements undoer.
func (t *table[K, V]) forgetUndo() {
	clear(t.undos)
	t.undos = t.undos[:0]
}

// from walks the rows at and after a key, in order, until yield answers false. The table must not change meanwhile.
func (t *table[K, V]) from(key K, yield func(K, V) bool) {
	t.tree.Ascend(row[K, V]{key: key}, func(r row[K, V]) bool { return yield(r.key, r.value) })
}

func (t *table[K, V]) first() (key K, value V, ok bool) {
	r, ok := t.tree.Min()
	return r.key, r.value, ok
}

func (t *table[K, V]) len() int { return t.tree.Len() }

func (t *table[K, V]) tableID() byte { return t.id }

func (t *table[K, V]) copyForSnapshot() frozenTable {
	tree := t.tree.Copy()
	return frozenTable{id: t.id, rows: tree.Len(), each: func(yield func([]byte) bool) {
		var c canonical.Coder
		tree.Scan(func(r row[K, V]) bool {
			c = canonical.Coder{Writing: true, Bytes: c.Bytes[:0]}
			t.code(&c, &r.key, &r.value)
			return yield(c.Bytes)
		})
	}}
}

// readRow adds a row from a snapshot. Rows come in strictly rising order, so that a snapshot has one spelling and no row twice.
func (t *table[K, V]) readRow(c *canonical.Coder) bool {
	var r row[K, V]
	t.code(c, &r.key, &r.value)
	if c.Failed || len(c.Bytes) > 0 {
		return false
	}
	if last, any := t.tree.Max(); any && !t.tree.Less(last, r) {
		return false
	}
	t.put(r.key, r.value)
	return true
}
