// Package resp reads Redis replies without interpreting them away.
//
// It keeps the bytes of each reply beside its parsed tree, since the
// differential test compares bytes, and it is deliberately apart from coordd's
// own codec: a mistake there must not hide itself here. RESP2 and RESP3.
package resp
