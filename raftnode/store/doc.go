// Package store opens what Raft keeps on disk: the log, the current term and the vote, and the snapshots.
//
// The log lies in a bolt database (the default) or in a write-ahead log of segment files; term and vote lie in bolt with either. Wrappers
// stand between Raft and the disk. The vote keeper writes the term of a vote and its candidate as one value, because Raft
// writes them one after the other and a crash between the two would let it vote again, unchecked. The watchdog calls OnFatal when
// storing entries takes too long or fails: a Raft whose disk hangs goes on leading and cannot step down, so its process must end. It does so
// too when an entry is read whose checksum does not fit. Bolt files are looked at, page by page, before they are opened.
//
// OpenReadOnly looks at a stopped or copied directory without changing it. Memory keeps in memory what a disk would keep, for tests of
// whole clusters, and forgets at a crash what was not yet synced.
package store
