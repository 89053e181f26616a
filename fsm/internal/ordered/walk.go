package ordered

// Min is the first key and its value.
func (m *Map[K, V]) Min() (key K, value V, ok bool) {
	n := m.root
	if n == nil {
		return key, value, false
	}
	for n.children != nil {
		n = n.children[0]
	}
	return n.keys[0], n.values[0], true
}

// Max is the last key and its value.
func (m *Map[K, V]) Max() (key K, value V, ok bool) {
	n := m.root
	if n == nil {
		return key, value, false
	}
	for n.children != nil {
		n = n.children[n.count]
	}
	return n.keys[n.count-1], n.values[n.count-1], true
}

// Scan walks everything in order, until yield answers false. The map must not change meanwhile; so it is with Ascend and Descend.
func (m *Map[K, V]) Scan(yield func(K, V) bool) {
	if m.root != nil {
		m.root.ascend(yield)
	}
}

func (n *node[K, V]) ascend(yield func(K, V) bool) bool {
	for i := range n.count {
		if n.children != nil && !n.children[i].ascend(yield) || !yield(n.keys[i], n.values[i]) {
			return false
		}
	}
	return n.children == nil || n.children[n.count].ascend(yield)
}

// Ascend walks the keys at and after one, in rising order, until yield answers false.
func (m *Map[K, V]) Ascend(from K, yield func(K, V) bool) {
	if m.root != nil {
		m.ascendFrom(m.root, from, yield)
	}
}

func (m *Map[K, V]) ascendFrom(n *node[K, V], from K, yield func(K, V) bool) bool {
	at, found := m.search(n, from)
	if n.children != nil && !found && !m.ascendFrom(n.children[at], from, yield) {
		return false
	}
	for i := at; i < n.count; i++ {
		if !yield(n.keys[i], n.values[i]) || n.children != nil && !n.children[i+1].ascend(yield) {
			return false
		}
	}
	return true
}

// Descend walks the keys at and before one, in falling order, until yield answers false.
func (m *Map[K, V]) Descend(from K, yield func(K, V) bool) {
	if m.root != nil {
		m.descendFrom(m.root, from, yield)
	}
}

func (m *Map[K, V]) descendFrom(n *node[K, V], from K, yield func(K, V) bool) bool {
	at, found := m.search(n, from)
	switch {
	case found:
		at++
	case n.children != nil && !m.descendFrom(n.children[at], from, yield):
		return false
	}
	for i := at - 1; i >= 0; i-- {
		if !yield(n.keys[i], n.values[i]) || n.children != nil && !n.children[i].descend(yield) {
			return false
		}
	}
	return true
}

func (n *node[K, V]) descend(yield func(K, V) bool) bool {
	if n.children != nil && !n.children[n.count].descend(yield) {
		return false
	}
	for i := n.count - 1; i >= 0; i-- {
		if !yield(n.keys[i], n.values[i]) || n.children != nil && !n.children[i].descend(yield) {
			return false
		}
	}
	return true
}
