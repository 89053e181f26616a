//go:build failpoints

// Package failpoints lets a test bend a node's clock and choose where its process dies. It is part of the program only when that is built with the tag failpoints, which
// nobody but the harness in test/jepsen-lite does; a test of cmd/coordd looks into the program for it.
//
// The environment variable COORDD_FAILPOINTS names a file. What it says, as JSON, holds from a few milliseconds after it was written; a file that is not there says
// nothing.
package failpoints
