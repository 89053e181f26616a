// Package datadir owns the data directory of one node.
//
// The directory is the node: its id is made when the directory is first opened and lives as long as the directory does. Beside Raft's
// own files it holds identity.json, which remembers what must never be forgotten or given twice: the id, the cluster the node belongs to, and
// the promise to found one. Every change is on disk, file and directory synced, before the call that makes it returns. A lock keeps a
// second process out.
package datadir
