package ordered

// Every node but the root has at least minKeys keys.
const (
	minKeys = 15
	maxKeys = 2*minKeys + 1
)

// node holds keys in order, each with its value; an inner node has a child before each key and one behind the last.
type node[K, V any] struct {
	owner    *owner
	count    int
	keys     [maxKeys]K
	values   [maxKeys]V
	children *[maxKeys + 1]*node[K, V] // nil in a leaf
}

func newLeaf[K, V any](of *owner) *node[K, V] { return &node[K, V]{owner: of} }

// clone makes a node of one's own; its children stay shared.
func (n *node[K, V]) clone(of *owner) *node[K, V] {
	twin := *n
	twin.owner = of
	if n.children != nil {
		children := *n.children
		twin.children = &children
	}
	return &twin
}

// insert makes room for a key, and for the child behind it if there is one.
func (n *node[K, V]) insert(at int, key K, value V, right *node[K, V]) {
	copy(n.keys[at+1:n.count+1], n.keys[at:n.count])
	copy(n.values[at+1:n.count+1], n.values[at:n.count])
	n.keys[at], n.values[at] = key, value
	if right != nil {
		copy(n.children[at+2:n.count+2], n.children[at+1:n.count+1])
		n.children[at+1] = right
	}
	n.count++
}

// removeAt takes a key out of a leaf.
func (n *node[K, V]) removeAt(at int) (key K, value V) {
	key, value = n.keys[at], n.values[at]
	n.close(at)
	return key, value
}

// close moves what lies behind a key into its place.
func (n *node[K, V]) close(at int) {
	copy(n.keys[at:n.count-1], n.keys[at+1:n.count])
	copy(n.values[at:n.count-1], n.values[at+1:n.count])
	n.count--
	n.forget(n.count)
}

// forget lets go of what a place behind the last key refers to.
func (n *node[K, V]) forget(at int) {
	var key K
	var value V
	n.keys[at], n.values[at] = key, value
}

// split divides a full child in two, and takes the key in its middle up. Both the node and the child may be changed.
func (n *node[K, V]) split(at int, of *owner) {
	left, right := n.children[at], newLeaf[K, V](of)
	right.count = copy(right.keys[:], left.keys[minKeys+1:])
	copy(right.values[:], left.values[minKeys+1:])
	if left.children != nil {
		right.children = &[maxKeys + 1]*node[K, V]{}
		copy(right.children[:], left.children[minKeys+1:])
		clear(left.children[minKeys+1:])
	}
	n.insert(at, left.keys[minKeys], left.values[minKeys], right)
	clear(left.keys[minKeys:])
	clear(left.values[minKeys:])
	left.count = minKeys
}

// takeFromLeft moves the last key of the left neighbour up, and the one that stood between down.
func (n *node[K, V]) takeFromLeft(above *node[K, V], at int, left *node[K, V]) {
	last := left.count - 1
	copy(n.keys[1:n.count+1], n.keys[:n.count])
	copy(n.values[1:n.count+1], n.values[:n.count])
	n.keys[0], n.values[0] = above.keys[at-1], above.values[at-1]
	if n.children != nil {
		copy(n.children[1:n.count+2], n.children[:n.count+1])
		n.children[0], left.children[left.count] = left.children[left.count], nil
	}
	n.count++
	above.keys[at-1], above.values[at-1] = left.keys[last], left.values[last]
	left.count = last
	left.forget(last)
}

// takeFromRight moves the first key of the right neighbour up, and the one that stood between down.
func (n *node[K, V]) takeFromRight(above *node[K, V], at int, right *node[K, V]) {
	n.keys[n.count], n.values[n.count] = above.keys[at], above.values[at]
	above.keys[at], above.values[at] = right.keys[0], right.values[0]
	if n.children != nil {
		n.children[n.count+1] = right.children[0]
		copy(right.children[:right.count], right.children[1:right.count+1])
		right.children[right.count] = nil
	}
	n.count++
	right.close(0)
}

// join takes in the key behind this child and the right neighbour, which is only read, since it may be shared.
func (n *node[K, V]) join(above *node[K, V], at int) {
	right := above.children[at+1]
	n.keys[n.count], n.values[n.count] = above.keys[at], above.values[at]
	copy(n.keys[n.count+1:], right.keys[:right.count])
	copy(n.values[n.count+1:], right.values[:right.count])
	if n.children != nil {
		copy(n.children[n.count+1:], right.children[:right.count+1])
	}
	n.count += 1 + right.count
	copy(above.children[at+1:above.count], above.children[at+2:above.count+1])
	above.children[above.count] = nil
	above.close(at)
}
