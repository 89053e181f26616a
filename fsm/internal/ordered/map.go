package ordered

// Map is a sorted map. One goroutine may change it, or many may read it. Copies are independent: one may be read while the other changes.
type Map[K, V any] struct {
	compare func(a, b K) int
	root    *node[K, V] // nil when empty
	length  int
	owner   *owner
}

// owner marks the nodes that one map may change in place. A node with another mark is shared and copied first.
type owner struct{ _ byte }

// NewMap makes an empty map in the order of compare, which is negative, zero or positive.
func NewMap[K, V any](compare func(a, b K) int) *Map[K, V] {
	return &Map[K, V]{compare: compare, owner: &owner{}}
}

// Copy makes a second map with the same content, in constant time. It counts as a change of the map.
func (m *Map[K, V]) Copy() *Map[K, V] {
	twin := *m
	twin.owner, m.owner = &owner{}, &owner{}
	return &twin
}

// Compare compares two keys in the order of the map.
func (m *Map[K, V]) Compare(a, b K) int { return m.compare(a, b) }

// Len is the number of keys.
func (m *Map[K, V]) Len() int { return m.length }

// Get finds a key's value.
func (m *Map[K, V]) Get(key K) (value V, found bool) {
	for n := m.root; n != nil; {
		at, found := m.search(n, key)
		if found {
			return n.values[at], true
		}
		if n.children == nil {
			break
		}
		n = n.children[at]
	}
	return value, false
}

// search finds the place of a key in a node: where it is, or before which key it belongs.
func (m *Map[K, V]) search(n *node[K, V], key K) (at int, found bool) {
	low, high := 0, n.count
	for low < high {
		middle := int(uint(low+high) / 2)
		switch order := m.compare(key, n.keys[middle]); {
		case order == 0:
			return middle, true
		case order < 0:
			high = middle
		default:
			low = middle + 1
		}
	}
	return low, false
}

// Set gives a key a value, and answers the one it had.
func (m *Map[K, V]) Set(key K, value V) (old V, replaced bool) {
	if m.root == nil {
		m.root = newLeaf[K, V](m.owner)
	}
	m.own(&m.root)
	if m.root.count == maxKeys {
		above := newLeaf[K, V](m.owner)
		above.children = &[maxKeys + 1]*node[K, V]{m.root}
		above.split(0, m.owner)
		m.root = above
	}
	for n := m.root; ; {
		at, found := m.search(n, key)
		if found {
			old, n.values[at] = n.values[at], value
			return old, true
		}
		if n.children == nil {
			n.insert(at, key, value, nil)
			m.length++
			return old, false
		}
		child := m.own(&n.children[at])
		if child.count == maxKeys {
			n.split(at, m.owner)
			continue // the key that moved up may be the one, or lie on either side
		}
		n = child
	}
}

// own makes sure that a node may be changed in place.
func (m *Map[K, V]) own(place **node[K, V]) *node[K, V] {
	if (*place).owner != m.owner {
		*place = (*place).clone(m.owner)
	}
	return *place
}

// Delete takes a key out, and answers the value it had.
func (m *Map[K, V]) Delete(key K) (old V, removed bool) {
	if _, there := m.Get(key); !there {
		return old, false // so that nothing is copied for nothing
	}
	_, old = m.deleteBelow(&m.root, key, whereKey)
	if m.root.count == 0 {
		if m.root.children == nil {
			m.root = nil
		} else {
			m.root = m.root.children[0]
		}
	}
	m.length--
	return old, true
}

// where says which key of a node is meant.
type where byte

const (
	whereKey where = iota
	whereLast
)

// deleteBelow takes a key that is there, or the last one, out of a subtree. Every node it enters below the first has a key more than it needs, so that one
// can be taken from it.
func (m *Map[K, V]) deleteBelow(place **node[K, V], key K, which where) (K, V) {
	n := m.own(place)
	at, found := n.count, false
	if which == whereKey {
		at, found = m.search(n, key)
	}
	if n.children == nil {
		if which == whereLast {
			at--
		}
		return n.removeAt(at)
	}
	if n.children[at].count <= minKeys {
		m.feed(n, at)
		return m.deleteBelow(place, key, which) // the key may have moved
	}
	if !found {
		return m.deleteBelow(&n.children[at], key, which)
	}
	// The key stands in this node: the largest one below it takes its place.
	gone, value := n.keys[at], n.values[at]
	n.keys[at], n.values[at] = m.deleteBelow(&n.children[at], key, whereLast)
	return gone, value
}

// feed gives a child a key more: from a neighbour that has one to spare, or by joining it with one.
func (m *Map[K, V]) feed(n *node[K, V], at int) {
	switch {
	case at > 0 && n.children[at-1].count > minKeys:
		m.own(&n.children[at]).takeFromLeft(n, at, m.own(&n.children[at-1]))
	case at < n.count && n.children[at+1].count > minKeys:
		m.own(&n.children[at]).takeFromRight(n, at, m.own(&n.children[at+1]))
	default:
		if at == n.count {
			at--
		}
		m.own(&n.children[at]).join(n, at)
	}
}
