// Package ordered is a sorted map that is copied in constant time: a B-tree whose nodes are shared by copies until one of them changes what is below.
//
// It exists because the machine spends most of its time here. Keys lie side by side in a node, apart from the values, so that a search reads little memory;
// keys are compared once per step, and nothing is copied but what moves. docs/decisions/0005 tells what it took the place of.
package ordered
