// Package script holds the compiled form of a Redis script and runs it inside the replicated machine.
//
// A door parses an EVAL once and compiles it to a [Program] (package transport/resp/lua does that). The program's bytes travel in the log with KEYS and
// ARGV, and every machine runs it with [Run]: a small evaluator of exactly that part of Lua 5.1 which lock scripts use. There are no closures, metatables,
// coroutines, string patterns or ways to load code, so a program is a tree of bounded size and depth without recursion.
//
// Everything is pure and deterministic: no clock, no randomness, no goroutine, no unordered iteration, and only those floating-point operations that
// give the same bits on every processor. A run is limited by a [Budget]; going beyond it is an error reply, the same one everywhere. As with Redis, what
// a script has written before it failed stays written.
//
// The encoding has two parts: the meaning, which is equal for all spellings of one script, since white space, comments, quotes, local names and the case of
// command names are not in it; and the trace (the SHA1 of the source, local names and line numbers), which only error texts need.
package script
