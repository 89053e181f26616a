package fsm

import (
	"github.com/tidwall/btree"

	"github.com/coordd/coordd/fsm/internal/canonical"
)

// table is one ordered map of the state. Its tree is copy-on-write, so a snapshot copies it in constant time; what it holds is never changed in
// place. Every change goes through put and remove, which feed the hash chain and the undo list: no part of the state can change unseen.
type table[K, V any] struct {
	id      byte
	journal *journal
	tree    *btree.BTreeG[row[K, V]]
	code    func(*canonical.Coder, *K, *V) // fields of a row; the value pointer is nil when only the key is wanted

	hashKeysOnly bool // leave values out of the hash chain
}

type row[K, V any] struct {
	key   K
	value V
}

// anyTable is what snapshots need from a table, whatever it holds.
type anyTable interface {
	tableID() byte
	copyForSnapshot() frozenTable
	readRow(c *canonical.Coder) bool
	clear()
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
	old, replaced := t.tree.Set(row[K, V]{key, value})
	t.journal.changed(t.id, true, func(c *canonical.Coder) {
		if t.hashKeysOnly {
			t.code(c, &key, nil)
		} else {
			t.code(c, &key, &value)
		}
	})
	t.journal.undo(func() {
		if replaced {
			t.tree.Set(old)
		} else {
			t.tree.Delete(row[K, V]{key: key})
		}
	})
}

func (t *table[K, V]) remove(key K) {
	old, removed := t.tree.Delete(row[K, V]{key: key})
	if !removed {
		return
	}
	t.journal.changed(t.id, false, func(c *canonical.Coder) { t.code(c, &key, nil) })
	t.journal.undo(func() { t.tree.Set(old) })
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

func (t *table[K, V]) clear() { t.tree.Clear() }

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
	t.tree.Set(r)
	return true
}
