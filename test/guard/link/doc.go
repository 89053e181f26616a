// Package link is a network that misbehaves on demand: a TCP proxy whose bytes can be kept back and let go later, lost, or cut off, in one direction or both.
package link
