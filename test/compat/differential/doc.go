// Package differential sends the same random command sequences to a real
// redis-server and to another server, and compares the replies byte for byte.
//
// A sequence is made from a seed and a number alone, so any one of them can be
// made again. It uses up to two connections, so that WATCH meets conflicts,
// speaks RESP2 or RESP3 on each, pipelines, opens transactions, runs scripts
// of the shapes that lock clients send, and makes the mistakes that clients
// make: wrong arity, wrong types, options that contradict each other.
//
// What cannot be equal is masked as narrowly as it goes: times are compared
// with a tolerance, connection ids by their type alone. What is different on
// purpose stands in the list of allowances, each with its argument, and the
// same list stands in DIFFERENCES.md; a test keeps the two together. Anything
// else is a difference, and is shrunk to the fewest commands that show it.
//
// Both servers are given as functions that connect, so the other server may
// also live in the same process.
package differential
