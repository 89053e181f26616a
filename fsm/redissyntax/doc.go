// Package redissyntax turns Redis commands, as lists of arguments, into the typed ops of package command.
//
// It knows the syntax of the key commands and nothing of their effect: arity, options, numbers and limits are judged here, with the wording of
// Redis 7.0, so that clients which compare error texts keep working; what a name holds is judged by the machine. One table ([Commands]) says for each
// command its arity, flags, key positions and parse function; the Redis door answers COMMAND from it, and the machine uses the same functions for
// redis.call inside scripts ([ParseInScript]). Everything is pure: relative expiries stay relative, because no clock is read.
//
// A handful of points differ from Redis on purpose:
//
//   - names, values and the number of names have limits (command.MaxNameBytes and its neighbours) and are refused with "LIMIT …" beyond them;
//   - an increment of INCRBYFLOAT is judged before the value that it is added to;
//   - a relative expiry within 2^42 ms of the largest integer is refused, whatever the time is, because the machine's clock is not known here;
//   - SET IFEQ and IFNE, DELEX, DELIFEQ (of later Redis and Valkey versions) and FENCE are there.
package redissyntax
