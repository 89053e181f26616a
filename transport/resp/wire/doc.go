// Package wire is the RESP codec alone: the bytes of versions 2 and 3, shared by the Redis door and the Go client. It imports nothing of ours.
//
// Three parts, each usable without the others:
//
//   - [Requests] reads what clients send: arrays of bulk strings, and inline commands as people type them into telnet. It parses from one buffer,
//     continues where it stopped when bytes are missing, and hands out arguments that point into that buffer.
//   - [Replies] reads what servers send, all types of both versions, pushes and attributes included.
//   - The Append functions write single values; [Output] collects them for one connection, takes pushes from other goroutines between replies, and
//     gives up when the peer does not read.
//
// Everything that comes from outside is bounded: arguments, bytes of a request, nesting, elements and bytes of a reply, bytes waiting to be
// written. What breaks the protocol is answered with Redis' own words as a [*ProtocolError]; the stream has then lost its place and must be closed.
package wire
