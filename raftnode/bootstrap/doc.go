// Package bootstrap founds a cluster, once.
//
// Exactly N nodes with empty data directories, started under one cluster name, find each other. The one with the lowest id asks all of
// them whether they see the same N; when all agree, it asks each to promise, on disk and once per data directory, to found a cluster
// with exactly this set; when all have promised, it alone makes the cluster's id, keeps it, and writes Raft's first configuration. The
// others learn the id by asking the members of the set they promised to.
//
// Two clusters cannot come of this. Two sets that share a node cannot both collect all promises, since a node promises once. One set
// has one founder, which keeps the id on its disk before anybody hears of it, and finds it there after a crash. More nodes than
// expected, or word that a cluster of this name exists already, is refused with a sentence: where the nodes cannot know better,
// an operator must.
//
// A node that comes later joins: it takes the id of a cluster that exists, once a majority of its voters say that the node's own id is
// new to them. An emptied directory under an id that was used before is refused there.
//
// Decide is the whole decision, values in and values out. Founding carries decisions out.
package bootstrap
