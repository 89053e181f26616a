// Package resp is the Redis door: it lets Redis clients, unmodified, talk to a node of coordd, and it is the native protocol of our own client.
//
// One goroutine serves one connection. It reads what is there, takes every whole request out of it, and turns each into a slot of a batch: an answer
// that the connection gives itself (PING, CLIENT, HELLO …), or an op for the node. The ops of a batch go to transport.Node.Execute together; the
// answers are written in the order of the requests, with one flush. Commands that need the result of an earlier one (EXEC after WATCH, a waiting
// acquire, what operators do) first have the batch carried out.
//
// One table of commands (table.go and its neighbours) gives name, arity, flags, keys, handler and help. COMMAND, HELP, the arity check, the
// authentication check and the wording of refusals all come from it. The key commands' rows are those of package redissyntax.
//
// What the door promises about failures:
//
//   - when nothing was proposed because there is no leader, the answer is "-LOADING coordd has no leader; retry", which Redis clients retry;
//   - when a command's fate is unknown, the connection is closed without an answer, as a crashed Redis would;
//   - a request that breaks the protocol is answered in Redis' words and the connection is closed, since its place in the stream is lost;
//   - a client that hangs up while its acquire waits has it cancelled in the log.
package resp
